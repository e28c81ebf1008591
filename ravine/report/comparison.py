"""Several runs beside each other: what was different, and which is better on the same images."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ravine.ensembles.difference import Difference, difference
from ravine.errors import UsageError
from ravine.report.facts import Accuracy, Report
from ravine.report.pieces import Pieces
from ravine.report.predictions import Predictions
from ravine.report.reading import report_of

if TYPE_CHECKING:
    from ravine.runs.run import Run

_PLACE = re.compile(r"x(_val|_test)?\[\d+\]")  # what images of arrays are called: others have the same names


@dataclass(frozen=True)
class Paired:
    """A run against the first one, image by image.

    Attributes:
        split: of the images that both predicted: "test", else "val"; empty where there are none.
        n: images.
        difference: its right answers minus the first one's, with the 95% interval; None where there are none.
        note: why there is none, or what to bear in mind.
    """

    split: str
    n: int
    difference: Difference | None
    note: str = ""

    @property
    def words(self) -> str:
        """What the interval says."""
        if self.difference is None:
            return f"not compared: {self.note}"
        if self.difference.low <= 0 <= self.difference.high:
            return "cannot be told apart"
        return "better" if self.difference.low > 0 else "worse"


@dataclass(frozen=True)
class Comparison:
    """Runs, the first of which the others are measured against.

    Attributes:
        reports: one a run.
        names: what each is called here: the folder's name, or its path where names are the same.
        accuracies: of the best weights of each, on test where it has a test split, else on validation.
        paired: each of the others against the first.
        settings: (setting, its value in each run) where they differ; "-" where a run has none.
    """

    reports: tuple[Report, ...]
    names: tuple[str, ...]
    accuracies: tuple[Accuracy | None, ...]
    paired: tuple[Paired, ...]
    settings: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def verdict(self) -> str:
        """Which runs are better than the first, which are worse, and which cannot be told apart from it."""
        first, said = self.names[0], []
        for words, joined in (("better", "better than"), ("worse", "worse than")):
            group = [name for name, pair in zip(self.names[1:], self.paired, strict=True) if pair.words == words]
            said += [f"{_listed(group)} {'are' if len(group) > 1 else 'is'} {joined} {first}"] if group else []
        others = list(zip(self.names[1:], self.paired, strict=True))
        same = [name for name, pair in others if pair.words == "cannot be told apart"]
        said += [f"{_listed(same)} cannot be told apart from {first}"] if same else []
        open_ = [name for name, pair in others if pair.difference is None]
        said += [f"{_listed(open_)} cannot be compared with {first} image by image"] if open_ else []
        return "; ".join(said) + "."


def compare(runs: "Sequence[Run]") -> Comparison:
    """Compares runs with the first of them, from what their folders hold.

    Raises:
        UsageError: fewer than two runs, or one is there twice, or is a folder of several trainings. DataError: damaged.
    """
    places = [str(run.path.resolve()) for run in runs]
    if len(runs) < 2:
        raise UsageError("one run only", where="compare", expected="two or more")
    for i, place in enumerate(places):
        if place in places[:i]:
            raise UsageError("is there twice", where=str(runs[i].path), expected="each run once")
    reports = tuple(report_of(run) for run in runs)
    short = [report.name for report in reports]
    names = tuple(short) if len(set(short)) == len(short) else tuple(report.path for report in reports)
    said = [Pieces(run.folder).predictions() for run in runs]
    marks = [_mark(run) for run in runs]
    others = zip(reports[1:], said[1:], marks[1:], strict=True)
    paired = [_paired(reports[0], said[0], report, answers, mark == marks[0]) for report, answers, mark in others]
    settings = _settings([_recipe(run, report) for run, report in zip(runs, reports, strict=True)])
    return Comparison(reports, names, tuple(_accuracy(report) for report in reports), tuple(paired), settings)


def _paired(first: Report, said: Predictions | None, other: Report, answers: Predictions | None, same: bool) -> Paired:
    """Other minus first on the test images, or else the validation images, where both predicted the same ones."""
    if said is None or answers is None:
        without = first if said is None else other
        why = "has not finished" if without.state != "finished" else "has no predictions.csv (of an earlier version)"
        return Paired("", 0, None, f"{without.name} {why}")
    if not same and any(_PLACE.fullmatch(name) for name in (*said.names, *answers.names)):
        return Paired("", 0, None, "their images are places in arrays, and the data are not the same")
    for split in ("test", "val"):
        rows, own = said.rows_of(split), answers.rows_of(split)
        if len(rows) < 2 or _images(first, said, rows) != _images(other, answers, own):
            continue
        notes = [] if same else ["the data are not the same; these images are so by name and label"]
        notes += ["validation chose the epochs of both, which flatters both a little"] if split == "val" else []
        return Paired(split, len(rows), difference(answers.right[own], said.right[rows]), "; ".join(notes))
    return Paired("", 0, None, "their test and validation images are not the same")


def _images(report: Report, said: Predictions, rows: np.ndarray) -> list[tuple[str, str]]:
    """Name and true class of each image."""
    return [(str(said.names[row]), report.classes[said.true[row]]) for row in rows.tolist()]


def _settings(recipes: list[dict[str, Any]]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    keys = dict.fromkeys(key for recipe in recipes for key in recipe)
    rows = [(key, tuple(str(recipe.get(key, "-")) for recipe in recipes)) for key in keys]
    return tuple((key, values) for key, values in rows if len(set(values)) > 1)


def _recipe(run: "Run", report: Report) -> dict[str, Any]:
    """All that was decided, and on which data."""
    return {"data": (run.folder.read_json("request.json") or {}).get("data", "-"), **tomllib.loads(report.recipe)}


def _mark(run: "Run") -> Any:
    """The fingerprint of the data; of a run without one nothing else is like it."""
    return run.summary.get("fingerprint", run)


def _accuracy(report: Report) -> Accuracy | None:
    best = [one for one in report.accuracies if one.which == "best"]
    return max(best, key=lambda one: one.split == "test", default=None)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
