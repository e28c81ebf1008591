"""An epoch as a row of numbers, under the names that TensorBoard and the CSV show."""

import math
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

import torch

from ravine.training.evaluate import Score
from ravine.training.fit import Epoch


def metrics_row(
    epoch: Epoch,
    validation: Score,
    clean: Score,
    lr: float | torch.Tensor,
    frozen: Collection[int] = (),
    signs: Mapping[str, list[float]] = MappingProxyType({}),
) -> dict[str, Any]:
    """The row of metrics.jsonl: means over the members that are not frozen, then each member's own where K > 1.

    Args:
        epoch: what the loop recorded.
        validation: the validation score.
        clean: the score on training images in eval mode, without augmentation.
        lr: the rate that the schedule's factor multiplies; a column `[K, 1]` where each member has its own.
        frozen: members that are trained no more.
        signs: columns more, each with a value for every member.
    """
    columns = {
        "train/loss": epoch.loss,
        **({"train/penalty": epoch.penalty} if epoch.penalty else {}),
        "train/accuracy": epoch.accuracy,
        "train/clean_accuracy": clean.accuracy,
        "val/loss": validation.loss,
        "val/accuracy": validation.accuracy,
        "grad_norm": epoch.norm,
        **signs,
    }
    if isinstance(lr, torch.Tensor):
        columns = {"lr": (lr * epoch.rate).flatten().tolist(), **columns}
    row: dict[str, Any] = {"epoch": epoch.number}
    row |= {} if isinstance(lr, torch.Tensor) else {"lr": lr * epoch.rate}
    row |= {"frozen": len(frozen)} if frozen else {}
    going = [k for k in range(len(epoch.loss)) if k not in frozen]
    row |= {name: math.fsum(values[k] for k in going) / len(going) for name, values in columns.items()}
    vote = "vote/" if len(epoch.loss) > 1 else ""
    row |= {f"{vote}val/balanced_accuracy": validation.balanced_accuracy}
    if vote:
        row |= {"vote/val/loss": validation.vote_loss, "vote/val/accuracy": validation.vote_accuracy}
        row |= {f"member{k:02d}/{name}": v for name, values in columns.items() for k, v in enumerate(values)}
    return row


def times_row(epoch: Epoch) -> dict[str, Any]:
    """The row of times.jsonl: seconds for data, compute and validation, and training images a second."""
    speed = epoch.examples / max(epoch.seconds["data"] + epoch.seconds["compute"], 1e-9)
    return {"epoch": epoch.number, **epoch.seconds, "images_per_second": speed}
