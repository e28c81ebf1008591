import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ravine import data
from ravine.data import cut, with_validation
from ravine.errors import DataError, UsageError


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.floats(0.01, 0.99), st.integers(0, 3))
def test_every_class_gives_its_fraction(y, fraction, seed):
    y = np.array(y)
    rest, aside = cut(y, fraction, seed, "val split")
    assert np.array_equal(np.sort(np.concatenate([rest, aside])), np.arange(len(y)))
    assert np.array_equal(rest, np.sort(rest))
    assert np.array_equal(aside, np.sort(aside))
    for label in np.unique(y):
        n, given_away = (y == label).sum(), (y[aside] == label).sum()
        assert abs(given_away - fraction * n) <= 1
        assert (1 <= given_away < n) if n > 1 else given_away == 0


def test_a_cut_is_a_function_of_seed_and_purpose_and_each_class_is_alone():
    y = np.arange(100) % 4
    assert np.array_equal(cut(y, 0.3, 0, "val split")[1], cut(y, 0.3, 0, "val split")[1])
    assert not np.array_equal(cut(y, 0.3, 0, "val split")[1], cut(y, 0.3, 1, "val split")[1])
    assert not np.array_equal(cut(y, 0.3, 0, "val split")[1], cut(y, 0.3, 0, "test split")[1])
    more = cut(np.concatenate([y, np.full(37, 3)]), 0.3, 0, "val split")[1]
    alone = cut(y, 0.3, 0, "val split")[1]
    assert np.array_equal(more[more < 100][y[more[more < 100]] != 3], alone[y[alone] != 3])


def test_every_example_is_set_aside_equally_often():
    y = np.repeat([0, 1], [20, 60])
    counts = np.bincount(np.concatenate([cut(y, 0.25, seed, "val")[1] for seed in range(400)]), minlength=80)
    assert counts.sum() == 400 * 20
    assert abs(counts - 100).max() < 5 * np.sqrt(400 * 0.25 * 0.75)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_bad_fractions(fraction):
    with pytest.raises(UsageError, match="between 0 and 1"):
        cut(np.arange(4), fraction, 0, "val")


def sizes(dataset):
    return {name: len(split) for name, split in dataset.splits.items()}


def test_validation_is_cut_from_train():
    digits = data.load("digits")
    ready = with_validation(digits, 0.1, 0, seed=0)
    assert sizes(digits) == {"train": 1797}
    assert list(ready.splits) == ["train", "val"]
    assert sum(sizes(ready).values()) == 1797
    assert abs(sizes(ready)["val"] - 180) <= 5
    train, val = ready.splits["train"], ready.splits["val"]
    assert train.store is val.store is digits.splits["train"].store  # nothing is copied
    assert not set(train.names) & set(val.names)
    whole = digits.splits["train"]
    for part in (train, val):
        at = np.array([int(name[2:-1]) for name in part.names])
        assert np.array_equal(part.take(np.arange(len(part))), whole.take(at))
        assert np.array_equal(part.y, whole.y[at])


def test_a_test_split_is_cut_first_and_both_are_of_the_whole():
    ready = with_validation(data.load("digits"), 0.2, 0.2, seed=0)
    assert list(ready.splits) == ["train", "val", "test"]
    assert abs(sizes(ready)["val"] - 0.2 * 1797) <= 6
    assert abs(sizes(ready)["test"] - 0.2 * 1797) <= 6
    parts = [set(split.names) for split in ready.splits.values()]
    assert len(set.union(*parts)) == 1797 == sum(map(len, parts))


def test_splits_that_exist_are_left_alone(make):
    names = [f"{split}/{label}/{i}.png" for split in ("train", "val", "test") for label in "ab" for i in range(4)]
    loaded = data.load(make(*names))
    assert with_validation(loaded, 0.25, 0.25, seed=0).splits == loaded.splits


def test_validation_never_comes_from_test(make):
    names = [f"{split}/{label}/{i}.png" for split in ("train", "test") for label in "ab" for i in range(4)]
    loaded = data.load(make(*names))
    ready = with_validation(loaded, 0.25, 0.25, seed=0)
    assert sizes(ready) == {"train": 6, "val": 2, "test": 8}
    assert all(name.startswith("train/") for name in ready.splits["val"].names)


def test_what_cannot_be_cut(make):
    with pytest.raises(DataError, match="no training images"):
        with_validation(data.load(make("test/a/1.png", "test/b/1.png")), 0.1, 0, seed=0)
    with pytest.raises(DataError, match="no class has two images"):
        with_validation(data.load((np.zeros((2, 8, 8), np.uint8), [0, 1])), 0.1, 0, seed=0)
    digits = data.load("digits")
    for val, test in ((0, 0), (0.5, 0.5), (-0.1, 0), (0.1, 1)):
        with pytest.raises(UsageError):
            with_validation(digits, val, test, seed=0)


def test_scored_split(make):
    digits = data.load("digits")
    assert digits.scored_split() == ("train", "all 1,797 images")
    ready = with_validation(digits, 0.1, 0.1, seed=0)
    assert ready.scored_split()[0] == "test"
    assert ready.scored_split("val") == ("val", f"the val split ({len(ready.splits['val'])} images)")
    with pytest.raises(DataError, match="no split 'test'; expected one of train"):
        digits.scored_split("test")
