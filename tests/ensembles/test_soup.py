"""Soups: the average of weights, greedily chosen or not."""

import numpy as np
import pytest
import torch

from ravine.ensembles import greedy_soup, uniform_soup
from ravine.errors import UsageError


def network(seed: int) -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2))


def test_uniform_is_the_mean_of_floats_and_the_firsts_integers():
    states = [network(seed).state_dict() for seed in range(3)]
    for i, state in enumerate(states):
        state["1.num_batches_tracked"].fill_(7 + i)
    soup = uniform_soup(states)
    assert soup.keys() == states[0].keys()
    for name, tensor in soup.items():
        if name == "1.num_batches_tracked":
            assert int(tensor) == 7
        else:
            expected = np.mean([state[name].double().numpy() for state in states], axis=0)
            assert tensor.dtype == torch.float32
            np.testing.assert_array_equal(tensor.numpy(), expected.astype(np.float32))
    network(0).load_state_dict(soup)


@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_equal_networks_change_nothing_and_share_no_memory(k):
    state = network(0).state_dict()
    soup = uniform_soup([state] * k)
    assert all(torch.equal(soup[name], state[name]) for name in state)
    soup["0.weight"].zero_()
    soup["1.num_batches_tracked"].fill_(3)
    assert state["0.weight"].any()
    assert int(state["1.num_batches_tracked"]) == 0


def test_half_precision_does_not_overflow_on_the_way():
    soup = uniform_soup([{"w": torch.tensor([60_000.0], dtype=torch.float16)}] * 3)
    assert soup["w"].dtype == torch.float16
    assert float(soup["w"]) == float(torch.tensor(60_000.0, dtype=torch.float16))


def test_a_linear_network_of_averaged_weights_gives_the_averaged_output():
    networks = [torch.nn.Linear(3, 2) for _ in range(4)]
    x, soup = torch.ones(5, 3), torch.nn.Linear(3, 2)
    soup.load_state_dict(uniform_soup([n.state_dict() for n in networks]))
    torch.testing.assert_close(soup(x), torch.stack([n(x) for n in networks]).mean(0))


def states(*values: float) -> list[dict[str, torch.Tensor]]:
    return [{"w": torch.tensor([v], dtype=torch.float64)} for v in values]


def test_greedy_takes_what_does_not_hurt_from_the_best_down():
    asked = []

    def score(state):
        asked.append(float(state["w"]))
        return -abs(float(state["w"]) - 1.0)

    # alone 1.5 and 0.5 are equally good (the first comes first), then 2.0, then 9; the first two's mean is perfect
    soup, chosen = greedy_soup(states(9.0, 1.5, 2.0, 0.5), score)
    assert chosen == [1, 3]
    assert float(soup["w"]) == 1.0
    assert asked == [9.0, 1.5, 2.0, 0.5, 1.0, 4 / 3, 11 / 3], "each alone, then each soup that was tried"


def test_greedy_is_never_worse_than_the_best_and_takes_what_is_equal():
    rng = np.random.default_rng(0)
    for _ in range(30):
        some = states(*rng.normal(size=5))
        score = lambda state: float(np.cos(3 * float(state["w"])))  # noqa: E731
        soup, _ = greedy_soup(some, score)
        assert score(soup) >= max(map(score, some))
    assert greedy_soup(states(1, 2, 3), lambda state: 0.0)[1] == [0, 1, 2]


def test_what_has_no_score_stays_out():
    def score(state):
        value = float(state["w"])
        return value if value < 3 else float("nan")

    assert greedy_soup(states(9.0, 1.0, 2.0), score)[1] == [2]
    with pytest.raises(UsageError, match="no network has a score"):
        greedy_soup(states(1, 2), lambda state: float("nan"))


@pytest.mark.parametrize("soup", [uniform_soup, lambda some: greedy_soup(some, lambda state: 0.0)])
def test_networks_that_do_not_belong_together(soup):
    with pytest.raises(UsageError, match="no networks"):
        soup([])
    for other in ({}, {"w": torch.zeros(2)}, {"w": torch.zeros(1).half()}, {"w": torch.zeros(1), "v": torch.zeros(1)}):
        with pytest.raises(UsageError, match="network 1 has"):
            soup([{"w": torch.zeros(1)}, other])
