"""A member that is lost: it stays as it was, and the others go on as if it had never been."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from small_trainings import MLP, RICH, assert_same, prepared, some_digits, state, trained

import ravine
from ravine.checkpoints import store, weights_file
from ravine.errors import NonFiniteLossError
from ravine.optimization import RULES
from ravine.runs.state import restore, state_of
from ravine.runs.trainer import Training


@pytest.fixture(scope="module")
def digits():
    return some_digits()


class Poisoned:
    """A feed whose member k meets an infinite image at one step."""

    def __init__(self, feed, k, epoch, step):
        self.feed, self.at = feed, (k, epoch, step)

    def __getattr__(self, name):
        return getattr(self.feed, name)

    def epoch(self, number, first=0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        k, epoch, at = self.at
        for step, (x, y) in enumerate(self.feed.epoch(number, first), first):
            if (number, step) == (epoch, at):
                x = x.clone()
                x[k] = math.inf
            yield x, y


def poisoned(dataset, at=(1, 1, 2), **settings):
    """A training of members 0, 1, 2 in which one is lost, and what was kept of it before."""
    training, before = prepared(dataset, [0, 1, 2], **settings), {}
    training.feed = Poisoned(training.feed, *at)

    def on_step(position):
        if not position.frozen:
            before.update(state(training, at[0]))

    for _ in training.epochs(on_step):
        pass
    return training, before


PIECES = {
    **{name: {"optimizer": name} for name in RULES},
    "sgd with decay": {"optimizer": "sgd(decay=0.1)"},
    "ema": {"average": "ema(0.9)"},
    "swa": {"average": "swa(start=0.3)"},
    "lookahead": {"average": "lookahead(k=2)"},
    "projections": {"regularize": "l1(1e-3, proximal=True), max_norm(0.5)"},
    "all": RICH,
}


@pytest.mark.parametrize("settings", PIECES.values(), ids=PIECES.keys())
def test_a_lost_member_stays_as_it_was_and_the_others_are_those_of_a_run_without_it(digits, settings):
    training, before = poisoned(digits, **settings)
    assert [(f.member, f.epoch, f.step) for f in training.position.frozen] == [(1, 2, 3)]
    after = state(training, 1)
    for name in before:
        if not name.startswith("best/"):
            assert torch.equal(after[name], before[name]), name
    assert all(tensor.isfinite().all() for tensor in after.values())
    without = trained(digits, [0, 2], **{**settings, "members": 2})
    for k, j in ((0, 0), (2, 1)):
        assert_same(training, k, without, j)


@pytest.mark.parametrize("rule", RULES)
def test_lost_in_the_very_first_step_it_leaves_only_numbers(digits, rule):
    """The rule makes its memory in that step."""
    training, _ = poisoned(digits, at=(1, 0, 0), optimizer=rule, epochs=1)
    assert all(tensor.isfinite().all() for tensor in state(training, 1).values())


@pytest.mark.parametrize("way", ["wide", "vmap"])
def test_all_at_once_too_the_others_go_on(digits, way):
    settings = {"model": "convnet(width=4)", "optimizer": "momentum", "forward": way}
    training, _ = poisoned(digits, **settings)
    without = trained(digits, [0, 2], members=2, **settings)
    difference = training.population.weights[[0, 2]] - without.population.weights
    assert float(difference.norm() / without.population.weights.norm()) < 1e-5
    assert training.population.weights.isfinite().all()


def test_the_rows_say_who_froze_and_are_means_of_the_others(digits):
    training, _ = poisoned(digits)
    first, second = training.rows
    assert "frozen" not in first
    assert second["frozen"] == 1
    assert math.isnan(second["member01/train/loss"])
    assert math.isnan(second["member01/grad_norm"])
    assert 0 <= second["member01/val/accuracy"] <= 1
    for name in ("train/loss", "val/accuracy"):
        assert second[name] == pytest.approx((second[f"member00/{name}"] + second[f"member02/{name}"]) / 2)
    assert training.best.epochs[1] == 1, "the epoch that it finished"
    assert training.voters == [0, 1, 2]


def test_lost_before_any_score_it_has_no_vote(digits):
    training, _ = poisoned(digits, at=(1, 0, 3))
    assert training.best.epochs[1] == 0
    assert training.voters == [0, 2]
    pair = trained(digits, [0, 2], members=2)
    for mine, its in zip(training.rows, pair.rows, strict=True):
        assert mine["vote/val/loss"] == its["vote/val/loss"]
        assert mine["vote/val/accuracy"] == its["vote/val/accuracy"]


@pytest.mark.parametrize("average", ["swa(start=0.9)", "lookahead(k=50)", "ema(0.9)"])
def test_an_average_that_has_not_begun_is_the_weights(digits, average):
    training, _ = poisoned(digits, at=(1, 0, 4), average=average)
    if average != "ema(0.9)":
        assert torch.equal(training.average.averages[0][1], training.population.weights[1])
    assert training.average.averages[0].isfinite().all()


def test_frozen_is_gone_on_with(digits):
    whole, _ = poisoned(digits, **RICH)
    first = prepared(digits, [0, 1, 2], **RICH)
    first.feed = Poisoned(first.feed, 1, 1, 2)

    class Stop(Exception):
        pass

    def on_step(position):
        if (position.epoch, position.step) == (1, 4):
            raise Stop

    with pytest.raises(Stop):
        list(first.epochs(on_step))
    tensors, plain = state_of(first)
    second, said = prepared(digits, [0, 1, 2], **RICH), []
    restore(second, {name: tensor.clone() for name, tensor in tensors.items()}, plain)
    second.feed = Poisoned(second.feed, 1, 1, 2)
    list(second.epochs(on_freeze=said.append))
    assert second.position.frozen == whole.position.frozen
    assert not said, "it has been said"
    for k in range(3):
        for name, tensor in state(whole, k).items():
            assert torch.equal(tensor, state(second, k)[name]), name


def test_weights_that_overflow_freeze_their_member_with_its_best(digits):
    """Such a rate throws the weights beyond all numbers while loss and gradient still are numbers."""
    training = trained(digits, sweep="lr=[0.01, 1e300]", members=2, optimizer="sgd")
    (frozen,) = training.position.frozen
    assert (frozen.member, frozen.step) == (1, 2)
    assert training.finite
    assert torch.equal(training.population.weights[1], training.best.state["weights"][1])
    alone = trained(digits, members=1, optimizer="sgd")
    assert_same(training, 0, alone, 0)


def test_weights_that_overflow_in_the_last_step_are_not_kept(digits):
    training, said = prepared(digits), []
    list(training.epochs(on_freeze=said.append))
    training.population.weights.data[2, 5] = math.inf
    training.freeze_overflowed()
    assert [str(frozen) for frozen in said] == ["member 2 froze at epoch 3, step 0: weights overflowed"]
    assert training.finite
    training.population.weights.data[:2] = math.nan
    training.freeze_overflowed()
    assert len(said) == 1, "nobody else is left: that ends the training"
    assert not training.finite


def test_when_all_are_lost_the_training_ends(digits):
    training = prepared(digits, [0, 1, 2])
    for k in range(3):
        training.feed = Poisoned(training.feed, k, 1, k)
    with pytest.raises(NonFiniteLossError, match="epoch 2, step 3, member 2"):
        list(training.epochs())
    assert [f.member for f in training.position.frozen] == [0, 1]
    assert training.finite


def test_a_run_says_it_and_its_weights_are_those_that_vote(digits, tmp_path, monkeypatch, capsys):
    plain = Training.__init__

    def init(self, *arguments, **named):
        plain(self, *arguments, **named)
        self.feed = Poisoned(self.feed, 1, 0, 3)

    monkeypatch.setattr(Training, "__init__", init)
    some = digits.splits["train"]
    arrays = some.take(np.arange(100)), some.y[:100]
    run = ravine.train(arrays, out=tmp_path, device="cpu", **MLP | {"batch": 16})
    error = capsys.readouterr().err
    assert error.count("member 1 froze at epoch 1, step 4: loss nan; the others go on") == 1
    assert run.summary["frozen"] == [{"member": 1, "epoch": 1, "step": 4, "why": "loss nan", "best_epoch": 0}]
    _, about = weights_file.read(run.folder.best_weights)
    assert (about["members"], about["identities"]) == (2, [0, 2])
    assert run.best.each(arrays[0]).shape[0] == 2
    assert store.load_newest(run.folder.checkpoints).tensors["population/weights"].shape[0] == 3
