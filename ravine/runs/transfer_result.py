"""From the rows of a transfer experiment to what was found."""

import os
import shlex
from collections.abc import Collection, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ravine.pretrained import normalization_named
from ravine.recipe import Recipe
from ravine.runs.transfer_points import Row, right_of
from ravine.transfer.what_transfers import Transfer

if TYPE_CHECKING:
    from ravine.runs.transfer_plan import Experiment

_ELSEWHERE = ("pretrained", "members", "first_member")  # what is not repeated in a command


def result(plan: "Experiment", rows: Sequence[Row], source: Any, folder: str) -> Transfer:
    """What the rows, a point each, come to; `source` is the data as it was given, `folder` where all is kept."""
    by_setting = {(row["line"], row["depth"]): row for row in rows}
    compared = by_setting["tuned", plan.depths[-1]]
    data = os.fspath(source) if isinstance(source, str | os.PathLike) else "DATA"
    cka = np.array([[np.nan if value is None else value for value in of_seed] for of_seed in compared["cka"]])
    lost = sorted({seed for row in rows for seed in row["lost"]})
    warnings = [finding.text for finding in plan.dataset.findings.warnings if finding.code == "learned"]
    warnings += [f"seed {seed} froze in one of its trainings: its loss was no number any more" for seed in lost]
    if plan.recipe.members == 1:
        warnings.append("one seed says nothing of another training: the intervals are for these networks on new images")
    return Transfer(
        weights=plan.recipe.pretrained,
        data=plan.dataset.name,
        blocks=plan.blocks,
        parameters=plan.parameters,
        depths=plan.depths,
        right={setting: right_of(row, "val") for setting, row in by_setting.items()},
        test={setting: right_of(row, "test") for setting, row in by_setting.items() if "test" in row},
        seconds={setting: row["seconds"] for setting, row in by_setting.items()},
        probes=tuple(compared["probe"]),
        cka=cka,
        epochs=int(plan.decided()[0].epochs),
        commands=_commands(plan, data),
        folder=folder,
        warnings=tuple(warnings),
    )


def _commands(plan: "Experiment", data: str) -> dict[str, str]:
    """The command lines of one training each, with the settings that were asked for."""
    recipe = plan.recipe
    tune = ["ravine", "finetune", recipe.pretrained, data, *_flags(recipe, _ELSEWHERE)]
    seen = _as_seen(plan)
    if seen is None:  # no flags of ravine train say how these weights see the data
        train = [
            *tune,
            "--keep",
            "none",
            "--unfreeze-at",
            "0",
            *([] if recipe.lr != "auto" else ["--lr", f"{plan.rate}"]),
        ]
    else:
        scratch = recipe.changed(
            model=plan.start.model, head="auto" if recipe.head == "linear" else recipe.head, **seen
        )
        train = ["ravine", "train", data, *_flags(scratch, (*_ELSEWHERE, "bn"))]
    return {"finetune": shlex.join(tune), "train": shlex.join(train)}


def _as_seen(plan: "Experiment") -> dict[str, Any] | None:
    """Settings by which a training from scratch sees the data as the pretrained weights do; None where none do."""
    to, normalization = plan.dataset.preprocessing, plan.start.normalization
    if (to is None and normalization) or (to and to.height != to.width):
        return None
    if normalization is None:
        return {"normalize": "auto"} | ({"size": to.width} if to else {})
    mean, std = ([value / 255 for value in values] for values in (normalization.mean, normalization.std))
    known = normalization == normalization_named("imagenet")
    return {"size": to.width if to else "auto", "normalize": "imagenet" if known else f"values({mean}, {std})"}


def _flags(recipe: Recipe, without: Collection[str]) -> list[str]:
    """The settings that are not as by default, as on a command line."""
    words = []
    for field in fields(Recipe):
        value = getattr(recipe, field.name)
        if field.name not in without and value != field.default:
            flag = f"--{field.name.replace('_', '-')}"
            words += [flag] if value is True else [flag, str(value)]
    return words
