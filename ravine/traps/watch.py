"""All traps, asked after every epoch.

watch = Watch(Facts(classes=10, lr=0.1))
for row in rows_of_my_own_loop():
    for trap in watch.epoch(row):
        print(trap)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ravine.traps.chance import chance
from ravine.traps.curves import Curves
from ravine.traps.dead import dead
from ravine.traps.divergence import divergence
from ravine.traps.gradients import exploding, vanishing
from ravine.traps.imbalance import imbalance
from ravine.traps.leak import leak
from ravine.traps.overfitting import overfitting
from ravine.traps.plateau import plateau
from ravine.traps.rate import rate_too_high, rate_too_low
from ravine.traps.trap import Facts, Trap
from ravine.traps.underfitting import underfitting

Row = Mapping[str, Any]
_OF_DATA = (leak,)
_OF_CURVES: tuple[Callable[[Curves, Facts], Trap | None], ...] = (
    exploding,
    rate_too_high,
    rate_too_low,
    divergence,
    vanishing,
    dead,
    imbalance,
    overfitting,
    plateau,
    chance,
    underfitting,
)
_STOPS = {"rate too high", "rate too low", "dead units", "vanishing gradients", "exploding gradients", "divergence"}
# A trap is not named where one that explains it has been
_EXPLAINED_BY = {
    "exploding gradients": {"rate too high", "divergence"},
    "rate too high": {"exploding gradients", "divergence"},
    "divergence": {"rate too high", "exploding gradients"},
    "vanishing gradients": {"rate too high", "rate too low", "dead units"},
    "dead units": {"rate too high", "exploding gradients"},
    "plateau": {*_STOPS, "no better than chance"},
    "no better than chance": {*_STOPS, "class imbalance"},
    "underfitting": {*_STOPS, "no better than chance", "class imbalance"},
}


class Watch:
    """Looks at a training as it goes; each trap is reported once, at the first epoch at which it can be seen.

    Args:
        facts: what is known of the training.

    Attributes:
        found: the traps so far, first ones first.
    """

    def __init__(self, facts: Facts):
        self.facts = facts
        self.found: tuple[Trap, ...] = ()
        self._rows: list[Row] = []

    def epoch(self, row: Row) -> tuple[Trap, ...]:
        """The traps that an epoch's row shows for the first time.

        Args:
            row: "epoch" and any of the columns of metrics.jsonl; traps whose columns are missing are not looked for.
        """
        self._rows.append(row)
        return self._look(Curves.of(self._rows))

    def _look(self, curves: Curves) -> tuple[Trap, ...]:
        new = []
        for ask in _OF_DATA if self.facts.sweep else _OF_DATA + _OF_CURVES:
            trap = ask(curves, self.facts)
            names = {known.name for known in (*self.found, *new)}
            if trap and trap.name not in names and not names & _EXPLAINED_BY.get(trap.name, set()):
                new.append(trap)
        self.found += tuple(new)
        return tuple(new)


def found(rows: Sequence[Row], facts: Facts) -> tuple[Trap, ...]:
    """All traps of a training, first ones first: a pure function of its rows so far.

    Args:
        rows: one an epoch, as in metrics.jsonl.
        facts: what is known of the training.
    """
    watch, curves = Watch(facts), Curves.of(rows)
    for epochs in range(1, len(rows) + 1):
        watch._look(curves.upto(epochs))
    return watch.found
