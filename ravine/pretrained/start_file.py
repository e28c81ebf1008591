"""The pretrained weights of a run, kept in its folder: it goes on from there even where their source is gone."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ravine import data
from ravine.checkpoints import weights_file
from ravine.errors import DataError
from ravine.pretrained.learned import Learned
from ravine.pretrained.start import Start
from ravine.training.feed import Normalization


def write_start(path: Path, start: Start) -> None:
    """Writes them to one weights file, atomically. Raises SaveError."""
    tensors = {f"{k:03d}/{name}": tensor for k, state in enumerate(start.states) for name, tensor in state.items()}
    about = {field.name: getattr(start, field.name) for field in fields(start) if field.name != "states"}
    about["normalization"] = asdict(start.normalization) if start.normalization else None
    about["preprocessing"] = asdict(start.preprocessing) if start.preprocessing else None
    about["learned"] = [[asdict(one) for one in known] for known in start.learned]
    weights_file.write(path, tensors, {"pretrained": about})


def read_start(path: Path) -> Start:
    """Reads what `write_start` wrote. Raises DataError where it is damaged, or something else."""
    tensors, about = weights_file.read(path)
    try:
        known = about["pretrained"]
        states: list[dict[str, Any]] = [{} for _ in {name[:3] for name in tensors}]
        for name, tensor in tensors.items():
            states[int(name[:3])][name[4:]] = tensor
        for name, kind in (("normalization", Normalization), ("preprocessing", data.Preprocessing)):
            values = known[name] and {key: _tuple(value) for key, value in known[name].items()}
            known[name] = kind(**values) if values else None
        known["learned"] = tuple(tuple(Learned(**one) for one in of) for of in known.get("learned", ()))
        return Start(states=tuple(states), **{name: _tuple(value) for name, value in known.items()})
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"holds no pretrained weights: {error}", where=str(path)) from error


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
