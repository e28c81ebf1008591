"""Where a training's time goes, and the one thing that would save most of it.

    below a minute in all                              nothing is worth changing
    data >= 25%, validation >= 25% or saving >= 5%     the largest of these that is so: they train nothing
    else compute                                       cores that are not used; a GPU; half as many bits

A quarter, since less is not felt; a twentieth for saving, which ravine itself holds to 1% on a disk that is not slow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ravine.recipe import Recipe

PARTS = ("data", "compute", "validation", "saving")
WORTH = 60.0  # seconds
IDLE = {"data": 0.25, "validation": 0.25, "saving": 0.05}  # share from which a part that trains nothing is too much


@dataclass(frozen=True)
class Seconds:
    """Where a training's time went.

    Attributes:
        epochs: seconds of each epoch by part: "data" (waiting for images), "compute" (training steps), "validation",
            "saving" (checkpoints and weights since the epoch before; missing in old runs).
        total: their sums, saving after the last epoch included.
        advice: the one action that would save most time, with its evidence; or that there is none worth its while.
    """

    epochs: tuple[dict[str, float], ...]
    total: dict[str, float]
    advice: str


def seconds(
    times: Sequence[Mapping[str, Any]], summary: Mapping[str, Any], recipe: Recipe, environment: Mapping[str, Any]
) -> Seconds | None:
    """From times.jsonl and summary.json (empty while training); None before the first epoch."""
    if not times:
        return None
    epochs = tuple({part: float(row[part]) for part in PARTS if row.get(part) is not None} for row in times)
    total = {part: sum(epoch.get(part, 0.0) for epoch in epochs) for part in PARTS}
    total |= {"saving": summary.get("seconds", {}).get("saving", total["saving"])}
    return Seconds(epochs, total, advice(total, recipe, environment))


def advice(total: Mapping[str, float], recipe: Recipe, environment: Mapping[str, Any]) -> str:
    """The one action that would save most, in a sentence or two.

    Args:
        total: seconds of each of the parts.
        recipe: as it was decided.
        environment: "device" and, where they are known, "threads" and "cores".
    """
    whole = sum(total.values())
    if whole < WORTH:
        return f"All of it took {in_words(whole)}: nothing is worth changing."
    too_much = [part for part, share in IDLE.items() if total[part] >= share * whole]
    part = max(too_much, key=total.__getitem__) if too_much else "compute"
    share = f"{total[part] / whole:.0%} of {in_words(whole)}"
    if part == "data":
        return f"The training waited for images in {share}. {_for_data(recipe, environment)}"
    if part == "validation":
        return f"Scoring took {share}. What would help most: fewer validation images, by a smaller --val or val/."
    if part == "saving":
        return f"Saving took {share}. What would help most: a faster disk for --out."
    return f"The training steps took {share}. {_for_compute(recipe, environment)}"


def in_words(seconds: float) -> str:
    """`0.4 s`, `59 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _for_data(recipe: Recipe, environment: Mapping[str, Any]) -> str:
    if recipe.augment == "none":
        return "What would help most: --cache on a faster disk, or a smaller --size."
    if _on_cpu(environment):
        return "What would help most: a lighter --augment, or a GPU, which augments too."
    return "What would help most: a lighter --augment."


def _for_compute(recipe: Recipe, environment: Mapping[str, Any]) -> str:
    threads, cores = environment.get("threads"), environment.get("cores")
    if not _on_cpu(environment):
        if recipe.precision == "float32":
            return "What would help most: --precision bfloat16, which halves the bits of the matrix products."
        return "The device was at work nearly all the time: only a smaller --model, --size or --epochs takes less."
    if threads and cores and threads < cores:
        return f"What would help most: all {cores} cores instead of {threads} (OMP_NUM_THREADS={cores})."
    return "What would help most: a GPU (--device cuda); without one, a smaller --size or --model."


def _on_cpu(environment: Mapping[str, Any]) -> bool:
    return environment.get("device", "cpu") == "cpu"
