"""The range test: what the theory says of a quadratic, nothing changed by it, valleys found and refused."""

import copy
import json
import math
import random
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ravine.colours import DARK, LIGHT
from ravine.errors import SaveError, UsageError
from ravine.optimization import SGD, Adam, RangeTest, Sweep, lr_find
from ravine.optimization.lr_suggestion import limit


class Bowl(nn.Module):
    """f(w) = 1/2 sum(h w^2), seen through mini-batches that pull w to and fro."""

    def __init__(self, h):
        super().__init__()
        self.w = nn.Parameter(torch.full((len(h),), 10.0, dtype=torch.float64))

    def forward(self, x):
        return self.w - x


def bowl_test(curvature, **settings):
    h = torch.tensor([curvature / 20, curvature / 3, curvature], dtype=torch.float64)
    x = torch.randn(512, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model = Bowl(h)
    batches = [(part, None) for part in x.split(32)]

    def loss(out, _):
        return (h / 2 * out**2).sum(1).mean()

    return lr_find(model, SGD(model.parameters(), lr=0.1), batches, loss, **settings)


@pytest.mark.parametrize("curvature", [0.5, 4.0, 200.0])
def test_on_a_quadratic_the_blow_up_is_seen_where_sgd_diverges(curvature):
    """SGD diverges from lr = 2 / L on, but not at once: the slower the sweep, the closer it comes."""
    edge, seen = 2 / curvature, []
    for steps in (60, 200, 800):
        test = bowl_test(curvature, low=1e-3 * edge, high=10 * edge, steps=steps)
        assert test.blown_up is not None
        assert test.suggestion.found
        assert 0 < test.suggestion.low <= test.suggestion.lr <= test.suggestion.high < edge
        seen.append(limit(test) / edge)
    assert 1 < seen[2] < seen[1] < seen[0] < 4
    assert seen[2] < 1.5


@pytest.mark.parametrize("curvature", [4.0, 200.0])
def test_on_a_quadratic_the_usual_sweep_suggests_a_stable_rate(curvature):
    test = bowl_test(curvature)
    assert 1 < limit(test) / (2 / curvature) < 2
    assert 0.02 < test.suggestion.lr / (2 / curvature) < 0.5


def net():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))


def examples(n=96):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(n, 6, generator=generator)
    return x, (x[:, :3] + 0.3 * torch.randn(n, 3, generator=generator)).argmax(1)


def loader():
    return DataLoader(TensorDataset(*examples()), 16, shuffle=True, generator=torch.Generator().manual_seed(3))


def trained(model, optimizer, batches):
    for x, y in batches:

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            return loss

        optimizer.step(closure)


def bytes_of(value):
    """Everything in it, down to the bits."""
    if isinstance(value, torch.Tensor):
        return value.detach().numpy().tobytes()
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, dict):
        return [(str(key), bytes_of(inner)) for key, inner in value.items()]
    return [bytes_of(inner) for inner in value] if isinstance(value, list | tuple) else repr(value)


def everything(model, optimizer, batches):
    grads = [None if p.grad is None else p.grad for p in model.parameters()]
    generators = [torch.get_rng_state(), np.random.get_state(), random.getstate(), batches.generator.get_state()]  # noqa: NPY002
    modes = [module.training for module in model.modules()]
    return bytes_of([model.state_dict(), grads, optimizer.state_dict(), generators, modes])


RULES = {
    "SGD": lambda p: SGD(p, lr=0.05),
    "Adam": lambda p: Adam(p, lr=1e-3),
    "torch SGD": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
    "torch Adam": lambda p: torch.optim.Adam(p, lr=1e-3),
    "torch Adam, rate a tensor": lambda p: torch.optim.Adam(p, lr=torch.tensor(1e-3)),
    "torch LBFGS": lambda p: torch.optim.LBFGS(p, lr=0.1, max_iter=2),
}


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("mode", ["new", "under way", "eval"])
def test_everything_is_as_before_bit_by_bit(name, mode):
    model, batches = net(), loader()
    optimizer = RULES[name](model.parameters())
    if mode != "new":  # with gradients and memory, and a scheduler that has wrapped `step`
        trained(model, optimizer, batches)
        torch.optim.lr_scheduler.StepLR(optimizer, 5)
    model.train(mode != "eval")
    np.random.seed(11)  # noqa: NPY002
    random.seed(11)
    before = everything(model, optimizer, batches)
    test = lr_find(model, optimizer, batches, nn.functional.cross_entropy, steps=40, high=1.0)
    assert everything(model, optimizer, batches) == before
    assert test.smoothed[-1] != test.smoothed[0], "something was trained"


def test_training_goes_on_as_if_nothing_had_happened():
    ends = []
    for looked in (False, True):
        model, batches = net(), loader()
        optimizer = Adam(model.parameters(), lr=1e-2)
        torch.manual_seed(4)
        trained(model, optimizer, batches)
        if looked:
            lr_find(model, optimizer, batches, nn.functional.cross_entropy, steps=20)
        trained(model, optimizer, batches)
        ends.append(bytes_of([model.state_dict(), optimizer.state_dict()]))
    assert ends[0] == ends[1]


def test_equal_seeds_give_equal_curves_whatever_the_generators_of_the_caller():
    curves = []
    for seed, outside in ((0, 1), (0, 2), (5, 1)):
        torch.manual_seed(outside)
        model = net()
        shuffled = DataLoader(TensorDataset(*examples()), 16, shuffle=True)
        torch.manual_seed(outside)
        test = lr_find(model, SGD(model.parameters()), shuffled, nn.functional.cross_entropy, steps=30, seed=seed)
        curves.append(test.losses)
    assert curves[0] == curves[1]
    assert curves[0] != curves[2]


class Watching(nn.Module):
    """Notes, for all copies, in which mode it runs."""

    modes: list = []

    def __init__(self):
        super().__init__()
        self.line, self.frozen = nn.Linear(6, 3), nn.BatchNorm1d(6)

    def forward(self, x):
        self.modes.append((self.training, self.frozen.training))
        return self.line(self.frozen(x))


@pytest.mark.parametrize(("training", "expected"), [(True, (True, False)), (False, (True, True))])
def test_the_copy_trains_and_what_is_frozen_stays_so(training, expected):
    model = Watching().train(training)
    model.frozen.eval()
    Watching.modes.clear()
    lr_find(model, SGD(model.parameters()), [examples(16)], nn.functional.cross_entropy, steps=20)
    assert set(Watching.modes) == {expected}


def test_groups_keep_their_ratio():
    seen = []

    class Noting(torch.optim.SGD):
        def step(self, closure=None):
            seen.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    model = net()
    groups = [{"params": model[4].parameters()}, {"params": model[0].parameters(), "lr": 0.01}]
    test = lr_find(model, Noting(groups, lr=0.1), [examples(16)], nn.functional.cross_entropy, steps=20, high=1.0)
    assert all(b == pytest.approx(a / 10) for a, b in seen)
    assert [a for a, _ in seen[:20]] == pytest.approx([1e-6 * 1e6 ** (i / 19) for i in range(20)])
    assert test.rates == pytest.approx([a for a, _ in seen[:20]])
    assert test.default == 0.1


def test_a_loss_belongs_to_the_step_before_it():
    sweep = Sweep(1e-3, 1.0, 20)
    for i, _ in enumerate(sweep):
        sweep.record(100.0 - i)
    test = sweep.result(0.1)
    assert test.losses == tuple(100.0 - i for i in range(1, 21))
    assert (test.rates[0], test.rates[-1]) == (1e-3, pytest.approx(1.0))


def test_the_mean_is_the_bias_corrected_exponential_one():
    losses = np.random.default_rng(0).normal(2.0, 0.1, 41)
    sweep = Sweep(1e-6, 1.0, 40)
    for loss in losses:
        sweep.record(torch.tensor(loss))
    beta = 1 - 1 / 4
    for t in (1, 2, 20, 40):
        weights = beta ** np.arange(t, -1, -1)
        expected = (weights * losses[: t + 1]).sum() / weights.sum()
        assert sweep.result(0.1).smoothed[t - 1] == pytest.approx(expected)


def valley(top=1e-4, bottom=1e-1, noise=0.05, seed=0, steps=200):
    """Losses 2.3 below `top`, straight down to 0.3 at `bottom` on the logarithmic axis, and ten times as steeply up."""
    rng, shape = np.random.default_rng(seed), [2.3]
    for rate in Sweep(steps=steps).rates:
        share = (math.log10(rate) - math.log10(top)) / (math.log10(bottom) - math.log10(top))
        shape.append(2.3 - 2 * min(max(share, 0), 1) + 20 * max(share - 1, 0))
    return [loss + noise * rng.normal() for loss in shape]


def swept(losses, steps=200, default=0.1, **bounds) -> RangeTest:
    sweep = Sweep(steps=steps, **bounds)
    for _, loss in zip(sweep, losses, strict=False):
        sweep.record(loss)
    return sweep.result(default)


@pytest.mark.parametrize(("top", "bottom"), [(1e-4, 1e-1), (1e-5, 1e-3), (1e-3, 1.0), (1e-2, 0.3)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_known_valley_is_found(top, bottom, seed):
    test = swept(valley(top, bottom, seed=seed))
    assert test.suggestion.found
    assert top < test.suggestion.low < test.suggestion.lr < test.suggestion.high <= 1.5 * bottom
    assert test.suggestion.lr <= bottom
    assert f"{test.suggestion.lr:g}" in test.suggestion.reason


@pytest.mark.parametrize("seed", range(5))
def test_the_suggestion_does_not_depend_on_the_scale_or_the_zero_of_the_loss(seed):
    losses = valley(noise=0.2, seed=seed)
    plain, scaled, shifted = (swept(x).suggestion for x in (losses, [7 * v for v in losses], [v + 5 for v in losses]))
    assert (plain.lr, plain.low, plain.high) == (scaled.lr, scaled.low, scaled.high)
    assert (plain.lr, plain.low, plain.high) == (shifted.lr, shifted.low, shifted.high)


def curve_of(means, memory=2.0) -> RangeTest:
    """A range test without noise: these means, of losses that are equal to them, from 1 on."""
    rates = tuple(float(f"{1e-3 * 1.3**i:.2g}") for i in range(len(means)))
    return RangeTest(rates, tuple(means), tuple(means), rates[0], 1.0, 1.0, memory, None, 0.1)


def test_the_suggestion_is_the_first_rate_at_which_nine_tenths_are_done_exactly():
    done = [0, 0, 0.3, 0.65, 0.69, 0.7, 0.8, 0.89, 0.9, 0.93, 0.94, 0.95, 0.96, 0.99, 1, 0.9, 0.5, 0.5, 0.5, 0.5]
    test = curve_of([1 - share / 2 for share in done])
    found = test.suggestion
    assert (found.low, found.lr, found.high) == tuple(test.rates[done.index(share)] for share in (0.7, 0.9, 0.95))
    reached = f"70% of it by a rate of {found.low:g}, 90% by {found.lr:g}, 95% by {found.high:g}"
    assert f"from 1 to 0.5, {reached}" in found.reason


@pytest.mark.parametrize(("best", "start", "limit"), [(1.0, 1.2, 4.0), (0.01, 2.0, 3.99), (-1.0, 0.0, 2.0)])
def test_the_sweep_ends_above_the_best_mean_and_its_triple_or_twice_the_gain(best, start, limit):
    """With a memory of two steps half of each loss enters the mean, which so is moved to wherever it is wanted."""
    assert limit == pytest.approx(best + max(3 * abs(best), 2 * (start - best)))
    for beyond in (0.999, 1.001):
        sweep = Sweep(steps=20)
        losses = [start, start, *[best] * 60]
        for loss in losses[:18]:
            sweep.record(loss)
        mean = sweep._means[-1]
        assert mean == pytest.approx(best, abs=1e-4 * abs(start - best) + 1e-12)
        sweep.record(mean + 2 * (beyond * limit - mean) * (1 - 0.5**19))
        assert sweep._means[-1] == pytest.approx(beyond * limit, rel=1e-4)
        assert sweep.ended == (beyond > 1)


def noise_only(seed):
    return [2.3 + 0.3 * v for v in np.random.default_rng(seed).normal(size=201)]


NO_VALLEY = {
    "flat": ([2.3] * 201, "stays near 2.3", "more steps"),
    "noise": (noise_only(0), "by more than its noise", "larger batch"),
    "flat, then a blow-up": ([2.3] * 150 + [2.3 * 1.5**i for i in range(51)], "and rises from", "larger batch"),
    "up from the first step on": ([2.3 * 1.05**i for i in range(201)], "only rises", "lower rate (low)"),
    "thrown up at once": ([2.3 * 1.3**i for i in range(201)], "already throw the loss from 2.3", "lower rate (low)"),
    "thrown up, then down to where it was": ([2.3] + [40 * 0.8**i + 2.3 for i in range(200)], "throw", "rate (low)"),
    "not finite after the first step": ([2.3, math.nan], "only rises", "lower rate"),
    "not finite at all": ([math.nan], "no finite number before any step", "Look at the data"),
    "infinite": ([math.inf], "no finite number before any step", "Look at the data"),
    "no end of the fall": ([2.3 - 2e-8 * 1.1**i for i in range(190)] + [0.8] * 11, "still falling", "rate (high)"),
}


@pytest.mark.parametrize("name", NO_VALLEY)
def test_where_there_is_no_valley_the_default_and_the_reason_are_given(name):
    losses, seen, cure = NO_VALLEY[name]
    suggestion = swept(losses, default=0.0123).suggestion
    assert not suggestion.found
    assert (suggestion.lr, suggestion.low, suggestion.high) == (0.0123, None, None)
    assert seen in suggestion.reason
    assert cure in suggestion.reason
    assert "keeping the default 0.0123" in suggestion.reason


def test_of_many_curves_of_noise_none_is_a_valley():
    assert not any(swept(noise_only(seed)).suggestion.found for seed in range(200))


def test_a_rate_that_diverges_at_once_is_seen_and_nothing_is_suggested():
    test = bowl_test(4.0, low=2.0, high=1e3)
    assert len(test.rates) < 50
    assert not test.suggestion.found
    assert "the first rates already throw the loss" in test.suggestion.reason
    assert test.suggestion.lr == 0.1, "the optimizer's own"


def test_a_loss_near_zero_may_wobble():
    """Four times the best is not yet the end, where all that was gained is far away."""
    test = swept([2.3] * 30 + [2.3 * 0.9**i for i in range(60)] + [0.001] * 60 + [0.5] * 51)
    assert test.blown_up is None
    assert test.suggestion.found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"low": 0.0}, "low cannot be 0.0"),
        ({"low": 1.0, "high": 0.1}, "low 1 is not below high 0.1"),
        ({"high": math.inf}, "high cannot be inf"),
        ({"steps": 19}, "steps cannot be 19"),
        ({"batches": []}, "no batches"),
        ({"batches": iter([examples()])}, "an iterator would be used up"),
        ({"batches": [torch.zeros(4, 6)]}, "expected pairs"),
        ({"optimizer": lambda p: torch.optim.SGD(p, lr=0.0)}, "rate is 0"),
        ({"optimizer": lambda p: list(p)}, "optimizer is a list"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(change, words):
    model = net()
    given = {"batches": [examples()], "optimizer": lambda p: SGD(p), **change}
    optimizer = given.pop("optimizer")(model.parameters())
    with pytest.raises(UsageError, match=words) as raised:
        lr_find(model, optimizer, given.pop("batches"), nn.functional.cross_entropy, **given)
    assert "\n" not in str(raised.value)


def test_a_criterion_that_reaches_into_the_model_is_refused():
    model = net()

    def with_penalty(out, y):
        return nn.functional.cross_entropy(out, y) + 1e-3 * sum(p.square().sum() for p in model.parameters())

    with pytest.raises(UsageError, match="reaches into the model"):
        lr_find(model, SGD(model.parameters()), [examples()], with_penalty, steps=20)


@pytest.mark.parametrize("losses", [valley(), [2.3] * 201, [math.nan], [2.3, 2.2, math.inf], valley()[:90]])
def test_every_curve_can_be_drawn(losses, tmp_path):
    test = swept(losses)
    for ending in ("svg", "json", "html"):
        test.save(tmp_path / f"curve.{ending}")
    assert ET.parse(tmp_path / "curve.svg").getroot().tag.endswith("svg")  # noqa: S314
    kept = json.loads((tmp_path / "curve.json").read_text())
    assert kept["suggestion"]["lr"] == test.suggestion.lr
    assert len(kept["rates"]) == len(kept["losses"]) == len(kept["smoothed"]) == len(test.rates)
    page = (tmp_path / "curve.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    assert policy.startswith("default-src 'none'"), "opens offline, and asks for nothing"
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    figures = json.loads(re.search(r'id="figures">(.*?)</script>', page, re.DOTALL).group(1))
    for name, colours in (("light", LIGHT), ("dark", DARK)):
        assert figures[name]["layout"]["paper_bgcolor"] == colours["card"]
        assert len(figures[name]["data"]) == 2
    assert test.suggestion.reason[:30] in (tmp_path / "curve.svg").read_text()
    lines = test.text(width=50, height=6).splitlines()
    assert len(lines) == (9 if test.rates else 1)
    assert all(len(line) <= 80 for line in lines)


def test_the_marks_stand_at_the_suggestion():
    test = swept(valley())
    lines = test.text().splitlines()
    at = 8 + round((math.log10(test.suggestion.lr) + 6) / (math.log10(test.rates[-1]) + 6) * 59)
    assert lines[-1][at] == "▲"
    assert lines[-1].endswith(f"lr {test.suggestion.lr:g}")
    figure = test.plot()
    (line,) = (shape for shape in figure.layout.shapes if shape.type == "line")
    assert line.x0 == line.x1 == test.suggestion.lr
    assert figure.layout.annotations[0].x == pytest.approx(math.log10(test.suggestion.lr)), "plotly counts in powers"


def test_what_cannot_be_saved_is_said(tmp_path):
    test = swept(valley())
    with pytest.raises(UsageError, match=r"\.html, \.svg or \.json"):
        test.save(tmp_path / "curve.png")
    with pytest.raises(SaveError, match="cannot be written"):
        test.save(tmp_path / "nowhere" / "curve.svg")


def test_a_copy_of_the_result_is_the_result():
    test = swept(valley())
    assert copy.deepcopy(test) == test
