"""An epoch as a row of numbers, under the names that TensorBoard and the CSV show."""

import math
from typing import Any

from ravine.training.evaluate import Score
from ravine.training.fit import Epoch


def metrics_row(epoch: Epoch, validation: Score, clean: Score, lr: float) -> dict[str, Any]:
    """The row of metrics.jsonl: means over members, then each member's own where there are several.

    Args:
        epoch: what the loop recorded.
        validation: the validation score.
        clean: the score on training images in eval mode, without augmentation.
        lr: the rate that the schedule's factor multiplies.
    """
    columns = {
        "train/loss": epoch.loss,
        **({"train/penalty": epoch.penalty} if epoch.penalty else {}),
        "train/accuracy": epoch.accuracy,
        "train/clean_accuracy": clean.accuracy,
        "val/loss": validation.loss,
        "val/accuracy": validation.accuracy,
        "grad_norm": epoch.norm,
    }
    row: dict[str, Any] = {"epoch": epoch.number, "lr": lr * epoch.rate}
    row |= {name: math.fsum(values) / len(values) for name, values in columns.items()}
    if len(epoch.loss) > 1:
        row |= {"vote/val/loss": validation.vote_loss, "vote/val/accuracy": validation.vote_accuracy}
        row |= {f"member{k:02d}/{name}": v for name, values in columns.items() for k, v in enumerate(values)}
    return row


def times_row(epoch: Epoch) -> dict[str, Any]:
    """The row of times.jsonl: seconds for data, compute and validation, and training images a second."""
    speed = epoch.examples / max(epoch.seconds["data"] + epoch.seconds["compute"], 1e-9)
    return {"epoch": epoch.number, **epoch.seconds, "images_per_second": speed}
