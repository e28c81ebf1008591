"""EMA, SWA, Lookahead and the statistics that go with them."""

import contextlib

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.optimization import AVERAGES, EMA, SGD, SWA, Lookahead, recompute_statistics


def steps(n, shape=(2, 5), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(n)]


def test_ema_is_torchs_averaged_model():
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    model = nn.Linear(5, 2, bias=False).double()
    twin = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    ema = EMA(model.parameters(), decay=0.9)
    ema.updates = 10**6  # past its warm-up, which torch has not
    twin.update_parameters(model)  # the first call copies
    for value in steps(20):
        with torch.no_grad():
            model.weight.copy_(value)
        ema.update()
        twin.update_parameters(model)
    torch.testing.assert_close(ema.averages[0], twin.module.weight.detach(), rtol=1e-12, atol=1e-14)


def test_ema_soon_forgets_the_initial_weights():
    w = torch.full((1,), 100.0)
    ema = EMA([w], decay=0.999)
    w.zero_()
    ema.update()
    torch.testing.assert_close(ema.averages[0], torch.tensor([100 * 2 / 11]))
    for _ in range(50):
        w.zero_()
        ema.update()
    assert ema.averages[0] < 1e-3, "without the warm-up it would still be 95"


def test_swa_is_the_mean_from_its_start_on():
    w, seen = torch.zeros(2, 5, dtype=torch.float64), []
    swa = SWA([w], start=0.5)
    for i, value in enumerate(steps(10)):
        w.copy_(value)
        swa.update((i + 1) / 10)
        if (i + 1) / 10 > 0.5:
            seen.append(value)
        else:
            with swa.applied():
                assert torch.equal(w, value), "no swap before the first average"
    assert swa.updates == len(seen) == 5
    torch.testing.assert_close(swa.averages[0], torch.stack(seen).mean(0))


def test_lookahead_by_hand():
    w = torch.zeros(1)
    lookahead = Lookahead([w], k=2, alpha=0.5)
    for expected in (1.0, 1.0, 2.0, 2.0):  # forward 1; forward to 2 and half way back; ...
        w.add_(1)
        lookahead.update()
        assert w.item() == expected
    assert lookahead.averages[0].item() == 2.0


def test_lookahead_has_no_slow_weights_to_show_before_its_first_jump():
    w = torch.zeros(1)
    lookahead = Lookahead([w], k=3)
    for i in range(3):
        w.add_(1)
        lookahead.update()
        with lookahead.applied():
            assert w.item() == (i + 1 if i < 2 else 1.5)


@pytest.mark.parametrize("make", AVERAGES.values())
def test_applied_swaps_and_puts_back_bit_by_bit_and_state_goes_on(make):
    values = steps(12)
    w = torch.zeros(2, 5, dtype=torch.float64)
    average = make([w])
    other, v = None, w.clone()
    for i, value in enumerate(values):
        w.add_(value)
        average.update((i + 1) / 12)
        if other is None:
            v.copy_(w)
        else:
            v.add_(value)
            other.update((i + 1) / 12)
        if i == 6:
            other = make([v])
            other.load_state_dict({"averages": [a.clone() for a in average.averages], "updates": average.updates})
    assert torch.equal(other.averages[0], average.averages[0])
    assert torch.equal(v, w)
    before = w.clone()
    with contextlib.suppress(KeyError), average.applied():
        assert torch.equal(w, average.averages[0])
        raise KeyError
    assert torch.equal(w, before)


@pytest.mark.parametrize("make", AVERAGES.values())
def test_members_are_averaged_each_alone(make):
    together, alone = torch.zeros(3, 5), torch.zeros(1, 5)
    both, single = make([together]), make([alone])
    for i, value in enumerate(steps(12, (3, 5))):
        together.add_(value)
        alone.add_(value[1:2])
        both.update((i + 1) / 12)
        single.update((i + 1) / 12)
    assert torch.equal(both.averages[0][1], single.averages[0][0])


@pytest.mark.parametrize(
    ("make", "bad"),
    [(EMA, {"decay": 1.0}), (EMA, {"decay": "slow"}), (SWA, {"start": 1.0}), (SWA, {"start": -0.1}),
     (Lookahead, {"k": 0}), (Lookahead, {"k": 2.5}), (Lookahead, {"alpha": 0.0}), (Lookahead, {"alpha": 1.1})],
)  # fmt: skip
def test_bad_settings_are_refused_by_name(make, bad):
    with pytest.raises(UsageError, match=f"{next(iter(bad))} cannot be"):
        make([torch.zeros(1)], **bad)


def test_statistics_are_the_means_over_the_batches():
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(3, momentum=0.3)
    model = nn.Sequential(norm, nn.Dropout(0.5)).eval()
    batches = [torch.randn(8, 3) * 2 + 5 for _ in range(4)]
    recompute_statistics(model, batches)
    torch.testing.assert_close(norm.running_mean, torch.stack([x.mean(0) for x in batches]).mean(0))
    torch.testing.assert_close(norm.running_var, torch.stack([x.var(0) for x in batches]).mean(0))
    assert (norm.momentum, model.training, norm.training, model[1].training) == (0.3, False, False, False)


def test_averages_calm_the_noise_of_sgd():
    """f = w^2 / 2 with noise: the mean of the weights lies nearer to the minimum than the weights."""
    w = nn.Parameter(torch.zeros(2000, dtype=torch.float64))
    rule = SGD([w], lr=0.2)
    averages = [EMA([w], decay=0.98), SWA([w], start=0.5)]
    generator = torch.Generator().manual_seed(0)
    for i in range(400):
        w.grad = w.detach() + torch.randn(w.shape, generator=generator, dtype=torch.float64)
        rule.step()
        for average in averages:
            average.update((i + 1) / 400)
    floor = float((w.detach() ** 2).mean())
    for average in averages:
        assert float((average.averages[0] ** 2).mean()) < floor / 5
