"""A run's folder, read piece by piece: what is missing is empty, and so is what is damaged, which is told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ravine.checkpoints.run_folder import RunFolder
from ravine.errors import DataError, RavineError
from ravine.recipe import Recipe
from ravine.report.pictures import read_pictures
from ravine.report.predictions import Predictions, read_predictions

T = TypeVar("T")


@dataclass
class Pieces:
    """What the files of a run's folder hold at this moment.

    Attributes:
        unread: a line for each file that is there and cannot be read.
        rows, times: of metrics.jsonl and times.jsonl.
        summary: {} before the end.
        finished: whether the run has ended, be its weights there or not.
        looked: data.json, the check of the data.
        environment, request: environment.json and request.json.
        recipe, toml: as it was decided; before that as it was asked for.
        log, augmentation: bytes of log.txt and augmentation.png; None where there is none.
    """

    folder: RunFolder
    unread: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        folder = self.folder
        self.rows: list[dict[str, Any]] = self.read(lambda: folder.read_rows(folder.metrics.name), [])
        self.times: list[dict[str, Any]] = self.read(lambda: folder.read_rows(folder.times.name), [])
        self.summary, self.looked, self.environment, self.request = (
            self.read(lambda path=path: _mapping(folder, path.name), {})
            for path in (folder.summary, folder.data, folder.environment, folder.request)
        )
        self.finished = self.summary.get("finished") is True
        decided = self.bytes_of(folder.recipe.name)
        self.toml = self.request.get("recipe", "") if decided is None else decided.decode("utf-8", "replace")
        there = folder.recipe.is_file()
        asked = lambda: Recipe.from_toml(self.toml, folder.request)  # noqa: E731
        self.recipe = self.read(lambda: Recipe.read(folder.recipe) if there else asked(), Recipe())
        self.log = self.bytes_of(folder.log.name)
        self.augmentation = self.bytes_of(folder.augmentation.name)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names as they are, in the order of their indices; () where they are not known yet."""
        scores = self.summary.get("best", {}).values()
        return tuple(self.looked.get("classes") or next((score["recall"] for score in scores), ()))

    def predictions(self) -> Predictions | None:
        """What predictions.csv holds."""
        return self.read(lambda: read_predictions(self.folder.predictions, self.classes), None)

    def picture(self) -> Callable[[int], bytes | None]:
        """From a row of the predictions to its picture, as far as it was kept."""
        return self.read(lambda: read_pictures(self.folder.shown), lambda _: None)

    def read(self, reading: Callable[[], T], otherwise: T) -> T:
        """What `reading` gives; `otherwise` where the file is damaged, and a line in `unread`."""
        try:
            return reading()
        except RavineError as error:
            self.unread.append(str(error))
            return otherwise

    def bytes_of(self, name: str) -> bytes | None:
        """A file's content; None where there is none."""
        path = self.folder.path / name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.unread.append(f"{path}: cannot be read ({error.strerror})")
            return None


def _mapping(folder: RunFolder, name: str) -> dict[str, Any]:
    found = folder.read_json(name) or {}
    if not isinstance(found, dict):
        raise DataError("not what ravine wrote there", where=str(folder.path / name), expected="a JSON object")
    return found
