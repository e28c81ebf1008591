"""Soups: one network whose weights are the average of several networks' weights (Wortsman et al., 2022)."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch

from ravine.errors import UsageError

State = Mapping[str, torch.Tensor]


@torch.no_grad()
def uniform_soup(states: Sequence[State]) -> dict[str, torch.Tensor]:
    """The average of the weights: one network, at the prediction cost of one.

        w = (1 / K) sum_k w_k

    It works for networks that were fine-tuned from the same weights and lie in one basin. For networks with different
    initial weights it fails: their hidden units stand in different orders, the loss between them is high, and the soup
    does little better than guess. Average their probabilities instead (`vote`).

    Args:
        states: `state_dict()` of each network, 1 or more, of one architecture.

    Returns:
        A new state dict. Floats are averaged in float64 and keep their type; other tensors (counters) are the first's.
        Batch norm's running statistics are averaged like the rest but are not those of the soup: take them anew
        (`ravine.optimization.recompute_statistics`) before it is used.

    Raises:
        UsageError: no states, or states that differ in names, shapes or types.

    Reference: Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
    increasing inference time", 2022.
    """
    _refuse_different(states)
    return {
        name: _mean([state[name] for state in states]) if first.is_floating_point() else first.clone()
        for name, first in states[0].items()
    }


def greedy_soup(states: Sequence[State], score: Callable[[State], float]) -> tuple[dict[str, torch.Tensor], list[int]]:
    """The soup of the best network and of each other that does not make it worse, tried from the best to the worst.

        soup <- soup + [k]   if score(mean of soup + [k]) >= score(mean of soup)

    Never worse by `score` than the best single network.

    Args:
        states: as of `uniform_soup`.
        score: of a state, higher is better, on validation and never on test; called 2 K - 1 times. It is also where
            batch norm's statistics are taken anew. NaN counts as the worst.

    Returns:
        The soup, as of `uniform_soup`, and the numbers of the networks in it, in the order in which they were added.

    Raises:
        UsageError: as `uniform_soup`, or no network has a score.
    """
    _refuse_different(states)
    alone = [_least_if_nan(score(state)) for state in states]
    first, *others = sorted(range(len(states)), key=lambda k: -alone[k])  # stable: ties in the order given
    if alone[first] == -math.inf:
        raise UsageError("no network has a score", where="greedy_soup", expected="a number for one at least")
    chosen, best = [first], alone[first]
    for k in others:
        found = _least_if_nan(score(uniform_soup([states[i] for i in [*chosen, k]])))
        if found >= best:
            chosen, best = [*chosen, k], found
    return uniform_soup([states[i] for i in chosen]), chosen


def _mean(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    total = tensors[0].double()  # a sum, not a running mean: the mean of equal numbers is that number
    for tensor in tensors[1:]:
        total = total + tensor.double()
    return (total / len(tensors)).to(tensors[0].dtype)


def _least_if_nan(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _refuse_different(states: Sequence[State]) -> None:
    if not states:
        raise UsageError("no networks", where="soup", expected="one or more")
    kinds = [{name: (t.dtype, tuple(t.shape)) for name, t in state.items()} for state in states]
    for k, kind in enumerate(kinds):
        for name in sorted(kind.keys() | kinds[0].keys()):
            if kind.get(name) != kinds[0].get(name):
                here, there = (one.get(name, "nothing") for one in (kind, kinds[0]))
                what = f"network {k} has {here} where network 0 has {there}"
                raise UsageError(what, where=f"soup, {name!r}", expected="networks of one architecture")
