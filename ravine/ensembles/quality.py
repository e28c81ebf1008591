"""Everything that tells how good one network's (or one vote's) probabilities are."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from ravine.ensembles.calibration import temperature, tempered
from ravine.ensembles.reliability import reliability
from ravine.ensembles.scores import brier, log_losses
from ravine.interval import wilson


@dataclass(frozen=True)
class Quality:
    """Of probabilities on N labelled examples, as they are and at a temperature that validation chose.

    Attributes:
        name: whose they are.
        accuracy: share of right answers.
        interval: its 95% interval (Wilson); None for a mean of several networks.
        loss: log loss in nats.
        brier: Brier score, 0 to 2.
        ece: expected calibration error, 15 bins.
        temperature, loss_after, ece_after: fitted on validation, and the same at it; None without validation.
    """

    name: str
    accuracy: float
    interval: tuple[float, float] | None
    loss: float
    brier: float
    ece: float
    temperature: float | None = None
    loss_after: float | None = None
    ece_after: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, under the names that a score has in a run's summary."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        renamed = {"interval": "accuracy_interval", "ece": "expected_calibration_error"}
        renamed |= {"ece_after": "expected_calibration_error_after"}
        return {renamed.get(name, name): list(v) if isinstance(v, tuple) else v for name, v in named.items()}


def quality(
    name: str, probabilities: np.ndarray, labels: np.ndarray, val: tuple[np.ndarray, np.ndarray] | None = None
) -> Quality:
    """Judges `probabilities` `[N, classes]` by `labels` `[N]`; `val` are such a pair of validation examples."""
    right = int((probabilities.argmax(1) == labels).sum())
    before = Quality(
        name,
        right / len(labels),
        wilson(right, len(labels)),
        float(log_losses(probabilities, labels).mean()),
        brier(probabilities, labels),
        reliability(probabilities, labels).ece,
    )
    if val is None:
        return before
    t = temperature(*val)
    after = tempered(probabilities, t)
    loss, ece = float(log_losses(after, labels).mean()), reliability(after, labels).ece
    return replace(before, temperature=t, loss_after=loss, ece_after=ece)


def mean_quality(each: list[Quality]) -> Quality:
    """The mean of each column: what one of these networks is like."""

    def mean(column: str) -> float | None:
        values = [getattr(one, column) for one in each]
        return None if None in values else float(np.mean(values))

    columns = {field.name: mean(field.name) for field in fields(Quality) if field.name not in ("name", "interval")}
    return Quality(name="mean member", interval=None, **columns)  # pyright: ignore[reportArgumentType]
