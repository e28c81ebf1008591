"""Who a member is: the same network in whatever company, and at whatever place."""

import math

import numpy as np
import pytest
import torch
from small_trainings import OUTSIDE, RICH, assert_same, prepared, some_digits, trained

from ravine.population import Population, forward
from ravine.regularization import Dropout


@pytest.fixture(scope="module")
def digits():
    return some_digits()


@pytest.mark.parametrize("rule", ["adam(decay=0.01)", "momentum(nesterov=True)", "muon"])
def test_a_member_of_many_is_the_single_run_with_its_number_bit_by_bit(digits, rule):
    many = trained(digits, **RICH | {"members": 4, "first_member": 5, "optimizer": rule})
    single = trained(digits, **RICH | {"members": 1, "first_member": 7, "optimizer": rule})
    assert_same(many, 2, single, 0)
    assert not torch.equal(many.population.weights[1], many.population.weights[2])


def test_a_member_with_its_own_rate_is_the_single_run_with_that_rate_bit_by_bit(digits):
    many = trained(digits, **RICH | {"members": 4, "sweep": "lr=[0.003, 0.01]", "regularize": f"{OUTSIDE}, dropout"})
    single = trained(
        digits, **RICH | {"members": 1, "lr": 0.003, "first_member": 1, "regularize": f"{OUTSIDE}, dropout"}
    )
    assert_same(many, 1, single, 0)


@pytest.mark.parametrize("way", ["wide", "vmap"])
def test_all_at_once_a_member_is_the_single_run_to_1e_5(digits, way):
    """20 steps in float32. A vmapped product sums in another order: a few ulps (6e-8) a step, which steps that depend
    smoothly on the gradient let grow only slowly. (Adam's first steps are signs of the gradient, and do not.)"""
    settings = RICH | {"regularize": OUTSIDE, "epochs": 4, "optimizer": "momentum", "lr": 0.01, "sam": 0.0}
    many = trained(digits, **settings | {"members": 4, "forward": way})
    single = trained(digits, **settings | {"members": 1, "first_member": 2})
    assert many.step == 20
    together, alone = many.population.weights[2], single.population.weights[0]
    assert float((together - alone).norm() / alone.norm()) < 1e-5


def test_all_at_once_with_adam_the_answers_are_those_of_the_single_run(digits):
    """The batch norm after a layer makes the true gradient of the weights behind constant pixels 0. What is left of it
    is rounding noise, which Adam scales to steps of the rate, so such weights wander apart, by up to steps * lr. They
    move no answer, but for the running mean that follows late: probabilities differed by up to 1e-3 on the digits
    (mlp([16]) and convnet(width=8), rates 0.001 and 0.003, 23 steps)."""
    settings = {"model": "mlp([16])", "optimizer": "adam", "lr": 0.003, "epochs": 4}
    many = trained(digits, **settings | {"members": 4, "forward": "wide"})
    single = trained(digits, **settings | {"members": 1, "first_member": 2})
    assert many.step == 20
    together, alone = many.population.weights[2], single.population.weights[0]
    assert float((together - alone).abs().max()) <= 2 * many.step * 0.003
    x = single.normalize(torch.from_numpy(digits.splits["val"].take(np.arange(len(digits.splits["val"])))))
    answers = []
    for training in (many, single):
        training.population.train(False)
        with torch.no_grad():
            answers.append(training.run(x.expand(training.recipe.members, *x.shape)).softmax(2))
    assert float((answers[0][2] - answers[1][0]).abs().max()) < 1e-2


def test_permuted_identities_are_permuted_members(digits):
    one, other = trained(digits, [0, 1, 2], **RICH), trained(digits, [2, 0, 1], **RICH)
    for k, j in ((0, 1), (1, 2), (2, 0)):
        assert_same(one, k, other, j)


@pytest.mark.parametrize("way", ["wide", "vmap"])
def test_dropout_where_all_run_at_once_is_each_members_own(way):
    """Equal in law: with p = 0.5 half of the units fall, and two members agree on them as often as by chance."""

    def make(k):
        layer = torch.nn.Linear(100, 100, bias=False)
        torch.nn.init.eye_(layer.weight)
        return torch.nn.Sequential(layer, Dropout(0.5))

    run = forward(Population(make, 3), way)
    torch.manual_seed(0)
    kept = run(torch.ones(3, 200, 100)) > 0
    n = kept[0].numel()
    wide = 4 * 0.5 / math.sqrt(n)  # four standard errors
    assert all(abs(float(member.float().mean()) - 0.5) < wide for member in kept)
    pairs = [(kept[a] == kept[b]).float().mean() for a, b in ((0, 1), (0, 2), (1, 2))]
    assert all(abs(float(agreement) - 0.5) < wide for agreement in pairs)


def test_machines_that_share_the_members_train_the_same_ensemble(digits):
    whole, part = trained(digits, members=4), trained(digits, members=2, first_member=2)
    assert_same(whole, 2, part, 0)
    assert_same(whole, 3, part, 1)


def test_shared_batches_are_those_of_the_first_and_lie_in_memory_once(digits):
    together = prepared(digits, **RICH | {"shared": True, "first_member": 4})
    own = prepared(digits, **RICH | {"members": 1, "first_member": 4})
    for (x, y), (own_x, own_y) in zip(together.feed.epoch(1), own.feed.epoch(1), strict=True):
        assert x.stride(0) == 0
        assert all(torch.equal(x[k], own_x[0]) and torch.equal(y[k], own_y[0]) for k in range(3))
    for _ in together.epochs():
        pass
    for _ in own.epochs():
        pass
    assert_same(together, 0, own, 0)
    assert not torch.equal(together.population.weights[0], together.population.weights[1]), "initial weights differ"
