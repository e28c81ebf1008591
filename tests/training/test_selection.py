import math

from torch import nn

from ravine.population import Population
from ravine.training.selection import Best


def population(members=1):
    return Population(lambda k: nn.Linear(2, 2), members)


def play(best, networks, scores):
    """Epoch e has weights e."""
    for epoch, score in enumerate(scores, 1):
        networks.weights.fill_(epoch)
        best.update(networks, epoch, (score,), (1.0,))


def test_best_at_epoch_3_of_5():
    networks = population()
    best = Best(networks)
    play(best, networks, [0.1, 0.5, 0.9, 0.7, 0.8])
    assert best.epochs == [3]
    assert (best.state["weights"] == 3).all()
    assert (networks.weights == 5).all()
    assert best.since == 2


def test_nan_is_never_best():
    networks = population()
    best = Best(networks)
    play(best, networks, [math.nan, 0.2, math.nan, 0.1])
    assert best.epochs == [2]
    best.update(networks, 5, (0.9,), (math.nan,))
    assert best.epochs == [2]


def test_equal_accuracy_takes_the_lower_loss():
    networks = population()
    best = Best(networks)
    best.update(networks, 1, (0.5,), (1.0,))
    best.update(networks, 2, (0.5,), (0.9,))
    best.update(networks, 3, (0.5,), (0.9,))
    assert best.epochs == [2]


def test_each_member_keeps_its_own_epoch():
    networks = population(2)
    best = Best(networks)
    networks.weights.fill_(1)
    best.update(networks, 1, (0.9, 0.1), (1, 1))
    networks.weights.fill_(2)
    assert best.update(networks, 2, (0.5, 0.6), (1, 1)) == [1]
    assert best.epochs == [1, 2]
    assert best.state["weights"][:, 0].tolist() == [1, 2]


def test_survives_a_round_trip():
    networks = population()
    best, again = Best(networks), Best(networks)
    play(best, networks, [0.4, 0.9, 0.7])
    again.restore(best.state, best.about())
    assert (again.epochs, again.scores, again.since) == ([2], [(0.9, 1.0)], 1)
    play(again, networks, [0.8])
    assert again.epochs == [2], "worse than before the interruption is not best"


def test_before_the_first_score_the_latest_stands_in():
    networks = population()
    best = Best(networks)
    networks.weights.fill_(7)
    best.keep_latest(networks)
    assert (best.state["weights"] == 7).all()
    assert best.epochs == [0]
