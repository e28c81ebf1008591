"""Contracts that every rule of the chapter keeps."""

import inspect
import math

import pytest
import torch

from ravine import data
from ravine.errors import UsageError
from ravine.optimization import RULES, SGD, AdaGrad, Momentum, Muon, RMSProp, Stepper

pytestmark = pytest.mark.usefixtures("double_precision")
EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())


@EVERY_RULE
def test_groups_are_checked_and_torchs_names_are_refused(rule):
    w, v = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    for bad, message in (
        ({"lr": -1.0}, "lr cannot be -1"),
        ({"decay": -1.0}, "decay cannot be -1"),
        ({"weight_decay": 0.1}, "weight_decay is not a setting; expected decay"),
        ({"betas": (0.9, 0.99)}, "betas is not a setting; expected beta1 and beta2"),
    ):
        with pytest.raises(UsageError, match=message):
            rule([{"params": [w], **bad}])
        optimizer = rule([w])
        with pytest.raises(UsageError, match=message):
            optimizer.add_param_group({"params": [v], **bad})
    optimizer.add_param_group({"params": [v], "lr": 0.5, "name": "head"})
    assert [group["lr"] for group in optimizer.param_groups][1] == 0.5


@EVERY_RULE
def test_the_state_of_another_optimizer_is_refused(rule):
    w = torch.ones(3, requires_grad=True)
    with pytest.raises(UsageError, match="the state has no"):
        rule([w]).load_state_dict(torch.optim.SGD([w]).state_dict())


def test_a_refused_step_moves_nothing():
    real = torch.ones(3, requires_grad=True)
    other = torch.ones(3, dtype=torch.complex128, requires_grad=True)
    real.grad, other.grad = torch.ones(3), torch.ones(3, dtype=torch.complex128)
    with pytest.raises(UsageError, match="complex"):
        RMSProp([real, other]).step()
    assert torch.equal(real.detach(), torch.ones(3))


@EVERY_RULE
def test_closures_schedulers_groups_and_missing_gradients(rule):
    w, untouched = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    optimizer = rule([{"params": [w]}, {"params": [untouched], "lr": 0.5}], lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5**epoch)

    def closure():
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 3
    scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.25]
    assert torch.equal(untouched, torch.ones(3))
    assert untouched not in optimizer.state
    assert (w < 1).all(), "a descent subtracts"


@EVERY_RULE
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 3, 4, 4)])
def test_any_shape_and_type_is_kept_and_survives_a_round_trip(rule, dtype, shape, gradients):
    runs = []
    for saves in (False, True):
        w = torch.ones(shape, dtype=dtype, requires_grad=True)
        if len(shape) == 4:
            w = w.detach().to(memory_format=torch.channels_last).requires_grad_()
        optimizer = rule([w], lr=0.01)
        for i, g in enumerate(gradients(6, (*shape, 1))):
            if saves and i == 3:
                saved = optimizer.state_dict()
                optimizer = rule([w], lr=0.5)
                optimizer.load_state_dict(saved)
            w.grad = g.view(shape).to(dtype)
            optimizer.step()
        assert w.dtype == dtype
        assert all(v.dtype == dtype for v in optimizer.state[w].values() if isinstance(v, torch.Tensor))
        runs.append(w.detach())
    assert torch.equal(*runs)
    assert runs[0].isfinite().all()


BAD = {"lr": (-0.1, math.nan, "fast", True), "beta1": (1.0, -0.1), "beta2": (1.0,), "beta": (1.0,), "rho": (1.1,)}


BAD |= {"eps": (0.0, -1.0), "decay": (-1.0,), "nesterov": ("yes", 1), "bias_correction": ("no",), "psi": (-1,)}


BAD |= {"scale": ("big",), "precision": ("int8",), "iterations": (0, 2.5)}


@EVERY_RULE
def test_bad_gradients_and_settings_are_refused_by_name(rule):
    w = torch.ones(3, requires_grad=True)
    optimizer = rule([w])
    for wrong, name in ((torch.ones(3).to_sparse(), "sparse"), (torch.ones(3, dtype=torch.complex128), "complex")):
        w = torch.ones(3, dtype=wrong.dtype, requires_grad=True)
        optimizer = rule([w])
        w.grad = wrong
        with pytest.raises(UsageError, match=name):
            optimizer.step()
    settings = [name for name in inspect.signature(rule).parameters if name != "params"]
    assert set(settings) <= BAD.keys(), "each setting has a bad value"
    for name in settings:
        for value in BAD[name]:
            for make in (lambda bad: rule([w], **bad), lambda bad: Stepper(rule, **bad)):
                with pytest.raises(UsageError, match=f"{name} cannot be"):
                    make({name: value})


@EVERY_RULE
def test_learns_digits(rule):
    """A linear classifier on 600 digits, 150 steps at a rate of its own: 85% of the other 300 are right."""
    digits = data.load("digits").splits["train"]
    x = torch.from_numpy(digits.take(torch.arange(900).numpy())).flatten(1).double() / 255
    y = torch.from_numpy(digits.y[:900])
    rate = {SGD: 0.5, Momentum: 0.1, AdaGrad: 0.1, Muon: 0.05}.get(rule, 0.01)
    torch.manual_seed(0)
    model = torch.nn.Linear(64, 10)
    optimizer = rule(model.parameters(), lr=rate)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x[:600]), y[:600]).backward()
        optimizer.step()
    assert (model(x[600:]).argmax(1) == y[600:]).double().mean() > 0.85
