"""A fixed mask is one thinned network, and what the average over all of them is."""

import copy
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from ravine.ensembles import Answers, dropout_modules, fixed_mask, mask_report
from ravine.ensembles.mask_picture import page, svg
from ravine.ensembles.mask_report import Rival, sizes
from ravine.errors import UsageError
from ravine.regularization import NOISES, DropConnect, Dropout, StochasticDepth, on_weight

KINDS = {
    **{name: (kind(0.4), (64, 30, 5, 5)) for name, kind in NOISES.items() if name != "dropconnect"},
    "nn.Dropout": (nn.Dropout(0.4), (64, 30)),
    "nn.Dropout1d": (nn.Dropout1d(0.4), (64, 30, 7)),
    "nn.Dropout2d": (nn.Dropout2d(0.4), (64, 30, 5, 5)),
    "nn.Dropout3d": (nn.Dropout3d(0.4), (64, 30, 3, 3, 3)),
    "nn.AlphaDropout": (nn.AlphaDropout(0.4), (64, 30)),
}


def masked(model, x, **which):
    with fixed_mask(model, **which):
        return model(x)


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_has_the_same_mask_and_each_mask_is_another(kind):
    module, shape = KINDS[kind]
    model = nn.Sequential(copy.deepcopy(module)).eval()
    one = torch.randn(1, *shape[1:], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = masked(model, one.expand(shape), i=3)
    assert (y == y[:1]).all()
    assert torch.equal(masked(model, one.expand(shape), i=3), y)
    outputs = {masked(model, one, i=i, seed=seed).numpy().tobytes() for i in range(20) for seed in (0, 1)}
    assert len(outputs) > 1 if kind == "stochastic_depth" else len(outputs) == 40


def test_units_are_dropped_at_the_rate_and_scaled_inverted():
    for p in (0.2, 0.5):
        masks = torch.cat([masked(nn.Sequential(nn.Dropout(p)).eval(), torch.ones(1, 50), i=i) for i in range(400)])
        assert set(masks.unique().tolist()) == {0.0, float(np.float32(1 / (1 - p)))}
        n = masks.numel()
        assert abs(int((masks == 0).sum()) - n * p) < 4 * (n * p * (1 - p)) ** 0.5
    alpha, zeros = nn.AlphaDropout(0.5), torch.zeros(1, 200)
    torch.testing.assert_close(masked(nn.Sequential(alpha).eval(), zeros).unique(), alpha.train()(zeros).unique())
    channels = masked(nn.Sequential(nn.Dropout2d(0.5)).eval(), torch.ones(2, 64, 3, 3))
    assert ((channels == 0).all((2, 3)) | (channels == 2).all((2, 3))).all(), "whole channels"


def test_modules_and_calls_have_masks_of_their_own():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Dropout(0.5), nn.Dropout(0.5)

        def forward(self, x):
            return torch.stack([self.first(x), self.first(x), self.second(x)])

    model = Twice().eval()
    with fixed_mask(model, i=1):
        a, b = model(torch.ones(1, 64)), model(torch.ones(1, 64))
    assert torch.equal(a, b), "the same in each pass"
    assert len({row.numpy().tobytes() for row in a}) == 3


def test_dropped_weights_are_one_network_too():
    layer = nn.Linear(6, 4)
    on_weight(layer, DropConnect(0.5))
    model, x = nn.Sequential(layer).eval(), torch.eye(6)
    kept = masked(model, x, i=2) - layer.bias
    whole = model(x) - layer.bias
    torch.testing.assert_close(torch.where(kept.abs() < 1e-6, 0.0, 2.0) * whole, kept)
    assert len({row.detach().numpy().tobytes() for row in (kept.abs() < 1e-6).T}) > 1, "not one mask for all units"
    assert torch.equal(masked(model, x[2:3], i=2)[0] - layer.bias, kept[2])


def test_the_model_and_the_generators_are_as_before_also_after_an_exception():
    generator = torch.Generator().manual_seed(5)
    model = nn.Sequential(nn.Linear(4, 4), Dropout(0.5, generator=generator), nn.Dropout(0.5), StochasticDepth(0.3))
    on_weight(model[0], DropConnect(0.5))
    model[2].forward = model[2].forward  # somebody's own
    before = [dict(vars(module)) for module in model.modules()]
    state, drawn = torch.get_rng_state(), generator.get_state()
    with pytest.raises(RuntimeError, match="shapes"), fixed_mask(model):
        model(torch.ones(2, 5) if model(torch.ones(2, 4)).numel() else None)
    for module, was in zip(model.modules(), before, strict=True):
        assert vars(module) == was
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(generator.get_state(), drawn)
    assert not model._forward_pre_hooks


def test_gradients_flow_as_through_the_thinned_network():
    model, x = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 1)), torch.ones(1, 6, requires_grad=True)
    with fixed_mask(model, i=4):
        y = model(x)
    y.backward()
    torch.testing.assert_close((x.grad * x).sum() + model[1].bias[0], y[0, 0])
    assert set((x.grad / model[1].weight)[0].round(decimals=4).tolist()) == {0.0, 2.0}


def test_without_dropout_it_is_refused():
    with pytest.raises(UsageError, match="no dropout"), fixed_mask(nn.Linear(2, 2)):
        pass
    assert dropout_modules(nn.Sequential(nn.Dropout(0.0), Dropout(0.0), nn.ReLU())) == {}
    assert list(dropout_modules(nn.Sequential(nn.ReLU(), nn.Dropout(0.1)))) == ["1"]


@pytest.mark.parametrize("p", [0.5, 0.3])
def test_weight_scaling_is_the_average_over_all_masks(p):
    """Exact for logits, and for the normalised geometric mean of one softmax layer (Hinton et al. 2012)."""
    torch.manual_seed(0)
    units, model = 4, nn.Sequential(nn.Dropout(p), nn.Linear(4, 3)).double().eval()
    x = torch.randn(5, units, dtype=torch.float64)
    found = {}
    for i in range(3000):
        with torch.no_grad(), fixed_mask(model, i=i):
            kept = tuple((model[0](torch.ones(1, units)) > 0)[0].tolist())
            found.setdefault(kept, model(x))
        if len(found) == 2**units:
            break
    assert set(found) == set(product((False, True), repeat=units)), "all masks there are"
    weights = {kept: p ** (units - sum(kept)) * (1 - p) ** sum(kept) for kept in found}
    assert sum(weights.values()) == pytest.approx(1)
    whole = model(x).detach()
    mean = sum(weights[kept] * logits for kept, logits in found.items())
    torch.testing.assert_close(mean, whole, rtol=1e-12, atol=1e-12)
    geometric = sum(weights[kept] * logits.log_softmax(1) for kept, logits in found.items()).softmax(1)
    torch.testing.assert_close(geometric, whole.softmax(1), rtol=1e-12, atol=1e-12)
    arithmetic = sum(weights[kept] * logits.softmax(1) for kept, logits in found.items())
    assert (arithmetic - whole.softmax(1)).abs().max() > 1e-4, "the average of probabilities is another thing"


def some_report(n=12, images=40, rivals=True):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, images)
    said = rng.dirichlet(np.ones(3), (n, images)) + 0.3 * np.eye(3)[labels]
    said /= said.sum(2, keepdims=True)
    members = [Rival("4 members", said[:4]), Rival("20 members", np.repeat(said[:1], 20, 0))] if rivals else []
    return said, labels, mask_report(Answers(said, labels), Answers(said[:1], labels), members)


def test_the_report_holds_what_counting_by_hand_gives():
    said, labels, report = some_report()
    np.testing.assert_allclose(report.each, (said.argmax(2) == labels).mean(1))
    for m in (1, 5, 12):
        mean = said[:m].mean(0)
        assert report.curve[m - 1] == (mean.argmax(1) == labels).mean()
        assert report.losses[m - 1] == pytest.approx(-np.log(mean[np.arange(40), labels]).mean())
    assert [one.passes for one in report.averages] == [1, 2, 5, 10, 12]
    d = (said[:4].mean(0).argmax(1) == labels).astype(float) - (said[0].argmax(1) == labels)
    assert report.ensembles[0].gain.value == pytest.approx(d.mean())
    half = 2.02269 * d.std(ddof=1) / 40**0.5  # Student's t with 39 degrees of freedom
    assert report.ensembles[0].gain.high == pytest.approx(d.mean() + half, rel=1e-5)
    assert report.at_equal_cost[0].value == 0, "the same four"
    assert report.at_equal_cost[1] is None, "there are not twenty masks"
    assert report.whole.gain is None
    assert report.averages[0].gain.value == 0


def test_sizes():
    assert sizes(1) == [1]
    assert sizes(50) == [1, 2, 5, 10, 20, 50]
    assert sizes(120) == [1, 2, 5, 10, 20, 50, 100, 120]


@pytest.mark.parametrize("n", [1, 12, 300])
def test_the_pictures(n):
    report = some_report(n, rivals=n > 4)[2]
    drawn = svg(report, "a <b>")
    assert drawn.count("<circle") == n
    assert "a &lt;b&gt;" in drawn
    whole = page(report, "a <b>", ["one & two"], [["", "x"], ["<i>", "1"]])
    assert "<i>" not in whole
    assert "&lt;i&gt;" in whole
    assert "http" not in whole.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def transformer():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
        return nn.Sequential(
            nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Flatten(), nn.Linear(24, 3)
        )


def test_masks_reach_into_torch_s_fused_layers():
    """In eval mode, without gradients, torch computes a transformer layer in one kernel that drops nothing."""
    model, x = transformer().eval(), torch.ones(2, 3, 8)
    with torch.no_grad():
        plain, masks = model(x), [masked(model, x, i=i) for i in range(3)]
    assert torch.backends.mha.get_fastpath_enabled(), "as before"
    assert not torch.allclose(masks[0], plain)
    assert not torch.allclose(masks[0], masks[1])
    with torch.enable_grad():  # where torch takes the plain way
        torch.testing.assert_close(masked(model, x, i=2), masks[2])
