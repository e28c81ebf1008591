"""One member out of many."""

from ravine.errors import UsageError
from ravine.prediction import Predictor
from ravine.trained import Trained


def member(network: Predictor, k: int) -> Trained:
    """Member `k` of K, from 0, as a network of its own; it answers as row `k` of `network.each`.

    Raises:
        UsageError: there is no such member.
    """
    places = [(part, i) for part in network.parts for i in range(len(part.population.members))]
    if not 0 <= k < len(places):
        raise UsageError(f"no member {k}", where=network.name, expected=f"0 to {len(places) - 1}, counted from 0")
    part, i = places[k]
    return part.of([i])
