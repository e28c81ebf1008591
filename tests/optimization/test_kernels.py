"""torch's fused kernels compute what the formulas say, at every allowed setting."""

import inspect

import pytest
import torch

from ravine.optimization import RULES, Adam, Momentum, Stepper
from ravine.optimization.parts import LONG

pytestmark = pytest.mark.usefixtures("double_precision")
EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())


ENDS = {
    "rho": (0.0, 1.0),
    "beta": (0.0,),
    "beta1": (0.0,),
    "beta2": (0.0,),
    "decay": (0.0, 5.0),
    "lr": (0.0,),
    "psi": (0.0,),
}


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if rule.kernel])
@pytest.mark.parametrize("settings", [{}, {"decay": 0.1}, {"decay": "a row"}])
def test_the_kernel_computes_the_formula(rule, settings, monkeypatch, gradients):
    """Double precision; the second time the kernel is hidden. Also Nesterov's form and Adam without correction."""
    flags = {"nesterov": True} if rule is Momentum else {"bias_correction": False} if issubclass(rule, Adam) else {}
    for chosen in (settings, {**settings, **flags}):
        results = []
        for kernel in (rule.kernel, None):
            with monkeypatch.context() as patch:
                patch.setattr(rule, "kernel", staticmethod(kernel) if kernel else None)
                matrix, w = torch.ones(2, LONG + 3), torch.ones(41, 1000, requires_grad=True)
                row = {"decay": torch.linspace(0, 1, LONG + 3)} if settings.get("decay") == "a row" else {}
                for_parameters = {**chosen, "decay": 0.0} if row else chosen
                stepper, optimizer = Stepper(rule, lr=0.01, **{**chosen, **row}), rule([w], lr=0.01, **for_parameters)
                for g, h in zip(gradients(3, matrix.shape), gradients(3, w.shape), strict=True):
                    stepper.step(matrix, g, 0.5)
                    w.grad = h
                    optimizer.step()
                results.append((matrix, w.detach()))
        torch.testing.assert_close(results[0], results[1], rtol=1e-11, atol=1e-13)


@EVERY_RULE
def test_settings_at_the_ends_of_their_ranges_move_rows_and_parameters_alike(rule, monkeypatch, gradients):
    """With the kernel and without: what is allowed must work."""
    for name in inspect.signature(rule).parameters.keys() & ENDS.keys():
        for value in ENDS[name]:
            results = []
            for kernel in (rule.kernel, None):
                with monkeypatch.context() as patch:
                    patch.setattr(rule, "kernel", staticmethod(kernel) if kernel else None)
                    matrix, w = torch.ones(2, LONG), torch.ones(LONG, requires_grad=True)
                    layout = [type("Whole", (), {"start": 0, "stop": LONG, "shape": (LONG,)})]
                    settings = {"lr": 0.01, name: value}
                    stepper, optimizer = Stepper(rule, layout=layout, **settings), rule([w], **settings)
                    for g in gradients(2, matrix.shape):
                        stepper.step(matrix, g, 1.0)
                        w.grad = g[0].clone()
                        optimizer.step()
                    assert matrix.isfinite().all()
                    torch.testing.assert_close(matrix[0], w.detach(), rtol=1e-11, atol=1e-13)
                    results.append(matrix)
            torch.testing.assert_close(*results, rtol=1e-11, atol=1e-13)
