"""Rows of numbers as text: JSON that every reader accepts, with equal bytes for equal values, and the joined CSV."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ravine.errors import DataError


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON in the order of insertion, floats by `repr` (exact); NaN and infinities, which JSON lacks, become null."""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file; none where there is no file. A last line that a kill cut short is left out.

    Raises:
        DataError: an earlier line is not a row, or the file cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror})", where=str(path)) from error
    rows = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError
        except (ValueError, RecursionError):
            if line.endswith(b"\n"):
                raise DataError("not a row of JSON", where=f"{path} line {number}", cure="Remove that line") from None
            break
        rows.append(row)
    return rows


def read_json(path: Path) -> Any:
    """The value of a JSON file; None where there is no file. Raises DataError where it cannot be read."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"cannot be read ({error})", where=str(path), cure="Restore it or remove its folder") from error


def csv_text(*tables: Iterable[Mapping[str, Any]]) -> str:
    """The tables joined by "epoch" into one CSV; columns in order of appearance, cells empty where there is nothing."""
    joined: dict[Any, dict[str, Any]] = {}
    for table in tables:
        for row in table:
            joined.setdefault(row["epoch"], {}).update(row)
    columns = list(dict.fromkeys(column for row in joined.values() for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_finite(row) for row in joined.values())
    return text.getvalue()


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
