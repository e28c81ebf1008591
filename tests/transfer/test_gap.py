"""The paired difference over seeds and images: against the formula, its two limits, and a simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ravine.errors import UsageError
from ravine.transfer.gap import Gap, gap


def right(rng, seeds, images, of_seeds=0.0, of_images=0.0, p=0.7):
    shift = rng.normal(0, 1, images) * of_images + rng.normal(0, 1, (seeds, 1)) * of_seeds
    return rng.random((seeds, images)) < np.clip(p + shift, 0, 1)


def test_one_seed_is_the_paired_t_interval_over_images():
    rng = np.random.default_rng(0)
    one, other = right(rng, 1, 200), right(rng, 1, 200, p=0.5)
    found = gap(one, other)
    low, high = stats.t.interval(0.95, 199, *_mean_and_error((one * 1.0 - other)[0]))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.value == pytest.approx(one.mean() - other.mean())


def test_seeds_that_differ_greatly_give_the_t_interval_over_seeds():
    """Where all images of a seed agree the images add nothing: K numbers, K - 1 degrees of freedom."""
    of_seeds = np.array([1, 0, 1, 1, 0, 1], bool)
    one = np.repeat(of_seeds[:, None], 500, axis=1)
    found = gap(one, np.zeros_like(one))
    low, high = stats.t.interval(0.95, 5, *_mean_and_error(of_seeds * 1.0))
    assert high > 1
    assert (found.low, found.high) == pytest.approx((low, 1.0)), "no gap is above 1"


def _mean_and_error(d):
    return d.mean(), d.std(ddof=1) / len(d) ** 0.5


def test_the_variance_is_that_of_the_crossed_design():
    rng = np.random.default_rng(1)
    one, other = right(rng, 4, 50, 0.2, 0.2), right(rng, 4, 50, 0.2, 0.2)
    d, (seeds, images) = one.astype(float) - other, (4, 50)
    # mean squares of a two-way analysis of variance without repetition
    of_seeds = images * d.mean(1).var(ddof=1)
    of_images = seeds * d.mean(0).var(ddof=1)
    rest = sum((d[k, n] - d[k].mean() - d[:, n].mean() + d.mean()) ** 2 for k in range(seeds) for n in range(images))
    rest /= (seeds - 1) * (images - 1)
    expected = (max(of_images, rest) + max(0, of_seeds - rest)) / d.size
    freedom = expected**2 / ((of_images / d.size) ** 2 / 49 + (of_seeds / d.size) ** 2 / 3)
    found = gap(one, other)
    assert (found.high - found.low) / 2 == pytest.approx(stats.t.ppf(0.975, freedom) * expected**0.5)
    assert found.parts == pytest.approx(
        (max(0, of_seeds - rest) / d.size, max(0, of_images - rest) / d.size, rest / d.size)
    )


@pytest.mark.parametrize(("of_seeds", "of_images"), [(0.0, 0.0), (0.0, 0.3), (0.1, 0.1)])
def test_it_holds_the_truth_in_95_of_100_cases(of_seeds, of_images):
    rng = np.random.default_rng(2)
    held = 0
    for _ in range(300):
        one, other = right(rng, 3, 150, of_seeds, of_images), right(rng, 3, 150, of_seeds, of_images)
        found = gap(one, other)
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / 300 <= 1.0


def test_pairing_takes_away_what_is_hard_for_both():
    rng = np.random.default_rng(3)
    hard = rng.random(400)
    one, other = (hard + rng.normal(0, 0.03, (3, 400)) < p for p in (0.8, 0.75))
    paired, shuffled = gap(one, other), gap(one, rng.permuted(other, axis=1))
    assert paired.above
    assert shuffled.value == pytest.approx(paired.value)
    assert shuffled.high - shuffled.low > 2 * (paired.high - paired.low)
    swapped = gap(other, one)
    assert (swapped.value, swapped.low, swapped.high) == pytest.approx((-paired.value, -paired.high, -paired.low))
    assert swapped.below


def test_equal_everywhere_is_not_known_exactly():
    same = np.ones((3, 20), bool)
    found = gap(same, same)
    assert found.value == 0
    assert found.high == -found.low == pytest.approx(1 - 0.025 ** (1 / 20))
    assert not found.above
    assert not found.below
    every = gap(same, ~same)
    assert every.value == every.high == 1
    assert every.above


def test_more_would_tell_it():
    """Enough seeds or images to tell, and no fewer than there are; nothing tells 0 from 0."""
    rng = np.random.default_rng(4)
    hard = rng.random(100)
    one, other = (hard + rng.normal(0, 0.1, (3, 100)) < p for p in (0.72, 0.70))
    found = gap(one, other)
    assert not found.above
    words = found.needed()
    counts = [int(word.replace(",", "")) for word in words.split() if word[0].isdigit()]
    assert counts
    seeds = [c for c, unit in zip(counts, words.split(" or "), strict=True) if "seed" in unit]
    images = [c for c, unit in zip(counts, words.split(" or "), strict=True) if "image" in unit]
    assert all(c > 3 for c in seeds)
    assert all(c > 100 for c in images)
    for c in images:
        wide = np.random.default_rng(5).random(c)
        more = gap(*(wide + np.random.default_rng(6).normal(0, 0.1, (3, c)) < p for p in (0.72, 0.70)))
        assert (more.high - more.low) < (found.high - found.low)
    assert gap(one, one).needed() == "far more seeds and images"


def test_more_would_tell_a_difference_from_another_one():
    """What is measured at -3 is told from -5 by as much as what is measured at +2 is told from 0."""
    rng = np.random.default_rng(4)
    hard = rng.random(100)
    one, other = (hard + rng.normal(0, 0.1, (3, 100)) < p for p in (0.72, 0.70))
    found = gap(one, other)
    moved = replace(found, value=found.value - 0.05)
    assert moved.needed(-0.05) == found.needed()
    same = gap(np.ones((3, 60), bool), np.ones((3, 60), bool))
    assert not same.small, "no loss among 60 images may be one of 6 in 100"
    assert same.needed(-0.05) == "80 validation images", "q(70) is 5.1%, q(80) 4.5%, and no seed helps"


def test_among_many_the_interval_is_that_of_a_smaller_tail():
    rng = np.random.default_rng(0)
    one, other = right(rng, 1, 200), right(rng, 1, 200, p=0.5)
    found, alone = gap(one, other).among(6), gap(one, other)
    low, high = stats.t.interval(1 - 0.05 / 6, 199, *_mean_and_error((one * 1.0 - other)[0]))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (alone.among(1).low, alone.among(1).high) == pytest.approx((alone.low, alone.high))
    same = gap(np.ones((3, 60), bool), np.ones((3, 60), bool))
    assert same.among(6).high == pytest.approx(1 - (0.025 / 6) ** (1 / 60))


def test_a_loss_is_small_where_it_is_shown_to_be():
    bounds = {-0.06: False, -0.05: False, -0.049: True, 0.01: True}
    for low, small in bounds.items():
        assert Gap(low + 0.02, low, low + 0.04, 3, 100, (0, 0, 0)).small is small


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_chance_makes_no_endless_intervals(seeds):
    """Where seeds agree by chance the degrees of freedom stay about those of the seeds, and nothing is impossible."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        one, other = right(rng, seeds, 60), right(rng, seeds, 60)
        found, d = gap(one, other), one * 1.0 - other
        a, b, r = d.mean(0).var(ddof=1) / 60, d.mean(1).var(ddof=1) / seeds, found.parts[2]
        variance = max(a, r) + max(0, b - r)
        least = 1 / (1 / 59 + 1 / (seeds - 1))
        assert (found.high - found.low) / 2 <= stats.t.ppf(0.975, least) * variance**0.5 + 1e-12
        assert -1 <= found.low <= found.high <= 1


def test_words():
    found = gap(np.array([[1, 1, 0, 1]], bool), np.array([[0, 1, 0, 1]], bool))
    assert str(found).startswith("+25.0 points, 95% -54.6 to +100.0")


@pytest.mark.parametrize("shapes", [((3, 5), (2, 5)), ((5,), (5,)), ((3, 1), (3, 1)), ((0, 5), (0, 5))])
def test_other_shapes_are_refused(shapes):
    with pytest.raises(UsageError, match="gap: shapes"):
        gap(*(np.zeros(shape, bool) for shape in shapes))
