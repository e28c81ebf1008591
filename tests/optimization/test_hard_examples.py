"""Which images come more often, and how often."""

import pytest
import torch

from ravine.errors import UsageError
from ravine.optimization import HardExamples

N = 1000


def told(hard, easy=600):
    """The object, after an epoch in which the first images were easy and the others hard."""
    hard.epoch(0, 0.0)
    hard.saw(torch.arange(N), torch.where(torch.arange(N) < easy, 0.1, 2.0))
    return hard


@pytest.mark.parametrize(("number", "progress", "share"), [(0, 0.0, 0.5), (7, 0.85, 0.5), (7, 1.0, 0.5), (3, 0.3, 0.0)])
def test_each_image_once_at_the_beginning_and_at_the_end(number, progress, share):
    order = told(HardExamples(N, share=share)).epoch(number, progress)
    assert sorted(order.tolist()) == list(range(N))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_hard_image_comes_so_much_more_often(share):
    """Places go to both kinds as 400 to 600 (1 - share); there are N of them in every epoch."""
    hard = told(HardExamples(N, share=share))
    times = torch.stack([torch.bincount(hard.epoch(i, 0.1), minlength=N) for i in range(1, 101)]).double()
    assert times.sum(1).tolist() == [N] * 100
    of_easy, of_hard = times[:, :600].mean(), times[:, 600:].mean()
    assert of_easy / of_hard == pytest.approx(1 - share, rel=0.03)


def test_no_image_is_left_out_of_the_first_draw_but_easy_ones():
    hard = told(HardExamples(N))
    for number in range(1, 20):
        assert set(range(600, N)) <= set(hard.epoch(number, 0.1).tolist())


def test_it_knows_how_often_each_image_was_shown():
    hard, times = HardExamples(N), torch.zeros(N, dtype=torch.int64)
    for number in range(4):
        for row, shown in zip(hard.epoch(number, 0.1).tolist(), hard.shown.tolist(), strict=True):
            assert shown == times[row]
            times[row] += 1
        hard.saw(torch.arange(N), torch.where(torch.arange(N) < 600, 0.1, 2.0))


def test_what_was_never_seen_or_is_no_number_is_not_easy():
    hard = HardExamples(4, share=0.9)
    hard.saw(torch.tensor([0, 1]), torch.tensor([0.1, 0.2]))
    orders = [hard.epoch(i, 0.0).tolist() for i in range(1, 40)]
    assert all({2, 3} <= set(order) for order in orders)
    hard.saw(torch.arange(4), torch.full((4,), torch.nan))
    assert sorted(hard.epoch(40, 0.0).tolist()) == [0, 1, 2, 3]


def test_orders_follow_from_seed_member_and_losses():
    one, same = told(HardExamples(N, seed=1)), told(HardExamples(N, seed=1))
    assert torch.equal(one.epoch(1, 0.1), same.epoch(1, 0.1))
    for other in (HardExamples(N, seed=2), HardExamples(N, seed=1, member=1)):
        assert not torch.equal(told(other).epoch(1, 0.1), one.order)


def test_its_state_goes_on_where_it_was():
    one = told(HardExamples(N))
    one.epoch(1, 0.1)
    other = HardExamples(N)
    other.load_state_dict({name: tensor.clone() for name, tensor in one.state_dict().items()})
    assert torch.equal(other.order, one.order)
    assert torch.equal(other.shown, one.shown)
    for each in (one, other):
        each.saw(torch.arange(50), torch.full((50,), 3.0))
    assert torch.equal(one.epoch(2, 0.2), other.epoch(2, 0.2))
    assert torch.equal(one.shown, other.shown)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"share": 1.0}, "share cannot be 1.0"), ({"share": "half"}, "share cannot be 'half'"), ({"until": 2}, "until")],
)
def test_settings_out_of_range(settings, words):
    with pytest.raises(UsageError, match=words):
        HardExamples(N, **settings)
