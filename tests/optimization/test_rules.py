"""Contracts that every rule of the chapter keeps, and equality with torch.optim where torch has the rule."""

import inspect
import math

import pytest
import torch

from ravine import data
from ravine.errors import UsageError
from ravine.optimization import RULES, SGD, AdaGrad, Adam, Adamax, AdamW, Lion, Momentum, Muon, NAdam, RMSProp, Stepper
from ravine.optimization.muon import orthogonal
from ravine.optimization.parts import LONG

EVERY_RULE = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
TWINS = [
    (SGD, {"lr": 0.1}, torch.optim.SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "decay": 0.01}, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.01}),
    (Momentum, {"lr": 0.1, "rho": 0.9}, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (
        Momentum,
        {"lr": 0.1, "rho": 0.8, "nesterov": True},
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.8, "nesterov": True},
    ),
    (AdaGrad, {"lr": 0.1}, torch.optim.Adagrad, {"lr": 0.1}),
    (RMSProp, {"lr": 0.01, "beta": 0.9}, torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9}),
    (Adam, {"lr": 3e-3}, torch.optim.Adam, {"lr": 3e-3}),
    (
        Adam,
        {"lr": 0.01, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4},
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-4},
    ),
    (AdamW, {"lr": 0.01, "decay": 0.1}, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
    (Adamax, {"lr": 0.01}, torch.optim.Adamax, {"lr": 0.01}),
    (NAdam, {"lr": 0.01, "psi": 0.01}, torch.optim.NAdam, {"lr": 0.01, "momentum_decay": 0.01}),
    (Muon, {"lr": 0.01, "scale": "original", "precision": "weights"}, torch.optim.Muon, {"lr": 0.01}),
    (
        Muon,
        {"lr": 0.01, "nesterov": False, "decay": 0.0, "precision": "weights"},
        torch.optim.Muon,
        {"lr": 0.01, "nesterov": False, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"},
    ),
]


def gradients(n, shape, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    scale = torch.logspace(-3, 2, shape[-1], dtype=dtype)  # coordinates of very different steepness
    return [torch.randn(shape, generator=generator, dtype=dtype) * scale for _ in range(n)]


@pytest.fixture(autouse=True)
def double_precision():
    """So that what torch keeps beside the weights (NAdam's product) has double precision too."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("shape", [(7, 5), (5, 7)])
@pytest.mark.parametrize(("ours", "a", "theirs", "b"), TWINS)
def test_equals_torch_optim_over_200_steps_with_a_save_half_way(ours, a, theirs, b, shape, monkeypatch):
    # torch's Muon orthogonalises in bfloat16, where the order of a sum shows; here it stays in double precision
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    w1 = torch.ones(shape, requires_grad=True)
    w2 = w1.detach().clone().requires_grad_()
    rule, twin = ours([w1], **a), theirs([w2], **b)
    for i, g in enumerate(gradients(200, shape)):
        if i == 100:
            saved = rule.state_dict()
            rule = ours([w1], **a)
            rule.load_state_dict(saved)
        w1.grad, w2.grad = g.clone(), g.clone()
        rule.step()
        twin.step()
        assert torch.equal(w1.grad, g), "the gradient belongs to the caller"
        torch.testing.assert_close(w1, w2, rtol=1e-12, atol=1e-13)


def test_every_rule_that_torch_has_is_compared():
    assert {ours for ours, *_ in TWINS} == set(RULES.values()) - {Lion}


def test_momentums_decay_is_decoupled_and_torchs_is_not():
    w1, w2 = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    rule, twin = Momentum([w1], lr=0.1, decay=0.5), torch.optim.SGD([w2], lr=0.1, momentum=0.9, weight_decay=0.5)
    for step in range(2):
        w1.grad, w2.grad = torch.zeros(3), torch.zeros(3)
        rule.step()
        twin.step()
        assert torch.allclose(w1, torch.full((3,), 0.95 ** (step + 1))), "the velocity stays out of it"
    assert not torch.allclose(w1, w2)


def test_lion_by_hand():
    w = torch.tensor([[1.0, 1.0]])
    stepper = Stepper(Lion, lr=0.1, beta1=0.5, beta2=0.75, decay=0.2)
    stepper.step(w, torch.tensor([[2.0, -8.0]]), 1.0)  # w(1 - 0.02) - 0.1 sign(g); m = g / 4
    torch.testing.assert_close(w, torch.tensor([[0.88, 1.08]]))
    # m = 0.5, -2: at beta1 = 0.5 a gradient against it wins, at beta2's 0.75 it would not
    stepper.step(w, torch.tensor([[-0.7, 2.8]]), 1.0)
    torch.testing.assert_close(w, torch.tensor([[0.88 * 0.98 + 0.1, 1.08 * 0.98 - 0.1]]))


def test_muon_in_bfloat16_is_torchs_to_its_precision():
    w1, w2 = torch.ones(20, 30, requires_grad=True), torch.ones(20, 30, requires_grad=True)
    rule, twin = Muon([w1], lr=1.0, scale="original"), torch.optim.Muon([w2], lr=1.0)
    for g in gradients(5, (20, 30)):
        w1.grad, w2.grad = g.clone(), g.clone()
        rule.step()
        twin.step()
    torch.testing.assert_close(w1, w2, rtol=0, atol=0.03)


def test_muons_matrices_become_orthogonal():
    generator = torch.Generator().manual_seed(0)
    for shape in ((3, 6, 20), (3, 20, 6)):
        matrices = torch.randn(shape, generator=generator)
        U, _, Vh = torch.linalg.svd(matrices, full_matrices=False)
        S = torch.linalg.svdvals(orthogonal(matrices))
        assert (S > 0.6).all()
        assert (S < 1.25).all()
        cosine = torch.nn.functional.cosine_similarity(orthogonal(matrices).flatten(1), (U @ Vh).flatten(1))
        assert (cosine > 0.97).all()


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if rule.kernel])
@pytest.mark.parametrize("settings", [{}, {"decay": 0.1}, {"decay": "a row"}])
def test_the_kernel_computes_the_formula(rule, settings, monkeypatch):
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


ENDS = {
    "rho": (0.0, 1.0),
    "beta": (0.0,),
    "beta1": (0.0,),
    "beta2": (0.0,),
    "decay": (0.0, 5.0),
    "lr": (0.0,),
    "psi": (0.0,),
}


@EVERY_RULE
def test_settings_at_the_ends_of_their_ranges_move_rows_and_parameters_alike(rule, monkeypatch):
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


def test_muon_moves_vectors_as_adam_does():
    w1, w2 = torch.ones(1, 10), torch.ones(1, 10)
    everything = [type("Whole", (), {"start": 0, "stop": 10, "shape": (10,)})]
    muon, adam = Stepper(Muon, lr=0.01, decay=0.0, layout=everything), Stepper(Adam, lr=0.01)
    for g in gradients(5, (1, 10)):
        muon.step(w1, g, 1.0)
        adam.step(w2, g, 1.0)
    assert torch.equal(w1, w2)


def every_setting(rule, members):
    """A column for each setting that is a number."""
    generator = torch.Generator().manual_seed(1)
    columns = {}
    for name, parameter in inspect.signature(rule).parameters.items():
        if isinstance(parameter.default, float):
            spread = 0.5 + torch.rand(members, 1, generator=generator) / 2
            columns[name] = spread * (parameter.default or 0.1)
    return columns


class Layout:
    start, stop, shape = 0, 6, (2, 3)


class Vector:
    start, stop, shape = 6, 10, (4,)


@EVERY_RULE
def test_members_with_their_own_settings_equal_separate_runs(rule):
    columns = every_setting(rule, 3)
    assert {"lr", "decay"} <= columns.keys()
    exact = {"precision": "weights"} if rule is Muon else {}
    together, alone = torch.ones(3, 10), torch.ones(3, 10)
    population = Stepper(rule, layout=[Layout, Vector], **columns, **exact)
    singles = [
        Stepper(rule, layout=[Layout, Vector], **{n: float(c[k]) for n, c in columns.items()}, **exact)
        for k in range(3)
    ]
    for g in gradients(30, (3, 10)):
        population.step(together, g, 0.5)
        for k, single in enumerate(singles):
            single.step(alone[k : k + 1], g[k : k + 1], 0.5)
    assert not torch.allclose(together[0], together[1])
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=0)


@EVERY_RULE
@pytest.mark.parametrize("columns", [37, LONG + 5, 200_001])
def test_a_member_with_its_own_rate_moves_bit_by_bit_as_alone(rule, columns):
    """In float32, whatever the length of the row decides: by formula, in blocks, or by a kernel."""
    if rule.whole:
        pytest.skip("batched matrix products round by the batch")
    together, alone = torch.ones(3, columns, dtype=torch.float32), torch.ones(1, columns, dtype=torch.float32)
    rates = torch.tensor([[0.001], [0.013], [0.1]])
    population, single = Stepper(rule, lr=rates), Stepper(rule, lr=0.013)
    for g in gradients(3, (3, columns), dtype=torch.float32):
        population.step(together, g, 0.7)
        single.step(alone, g[1:2], 0.7)
    assert torch.equal(together[1], alone[0])


@EVERY_RULE
def test_a_frozen_column_stays_bit_by_bit(rule):
    factors = torch.ones(10)
    factors[[1, 7]] = 0
    weights = torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    before = weights.clone()
    stepper = Stepper(rule, layout=[Layout, Vector], factors=factors, lr=0.1, decay=0.1)
    for g in gradients(3, (2, 10)):
        stepper.step(weights, g, 1.0)
    assert torch.equal(weights[:, [1, 7]], before[:, [1, 7]])
    moved = [i for i in range(10) if i not in (1, 7)]
    assert (weights[:, moved] != before[:, moved]).all()


@EVERY_RULE
def test_a_row_of_decays_spares_weights(rule):
    """Gradients of 0: only decay moves anything."""
    decay = torch.tensor([0.5] * 6 + [0.0] * 4)
    weights = torch.ones(2, 10)
    Stepper(rule, layout=[Layout, Vector], lr=0.1, decay=decay).step(weights, torch.zeros(2, 10), 1.0)
    torch.testing.assert_close(weights[:, :6], torch.full((2, 6), 0.95))
    assert (weights[:, 6:] == 1).all()


@EVERY_RULE
def test_stepper_is_the_optimizer_on_a_matrix(rule):
    w1, w2 = torch.ones(2, 5), torch.ones(2, 5, requires_grad=True)
    layout = [type("Whole", (), {"start": 0, "stop": 5, "shape": (5,)})]
    if rule is Muon:  # a matrix to an optimizer is one parameter, to a stepper K rows
        w1 = torch.ones(1, 10)
        layout = [type("Whole", (), {"start": 0, "stop": 10, "shape": (2, 5)})]
    stepper, optimizer = Stepper(rule, lr=0.01, layout=layout), rule([w2], lr=0.01)
    for g in gradients(10, (2, 5)):
        w2.grad = g.clone()
        stepper.step(w1, g.view(w1.shape), 1.0)
        optimizer.step()
    torch.testing.assert_close(w1.view(2, 5), w2.detach(), rtol=1e-14, atol=0)


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
def test_any_shape_and_type_is_kept_and_survives_a_round_trip(rule, dtype, shape):
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
