import math

import numpy as np
import pytest

from ravine.checkpoints.records import csv_text, dumps, read_json, read_rows
from ravine.errors import DataError


def test_floats_are_exact_and_the_order_is_that_of_insertion():
    assert dumps({"b": 0.1 + 0.2, "a": 1, "c": [1e-300, True, None]}) == (
        '{"b": 0.30000000000000004, "a": 1, "c": [1e-300, true, null]}'
    )
    assert dumps(np.float64(1) / 3) == "0.3333333333333333"


def test_what_json_lacks_is_null_at_any_depth():
    assert dumps({"loss": math.nan, "members": (math.inf, 1.0), "in": {"x": -math.inf}}) == (
        '{"loss": null, "members": [null, 1.0], "in": {"x": null}}'
    )


def test_rows_come_back_and_a_half_last_line_is_left_out(tmp_path):
    path = tmp_path / "metrics.jsonl"
    assert read_rows(path) == []
    line = b'{"epoch": 2, "loss": 0.25}\n'
    for cut in range(len(line) - 1):
        path.write_bytes(b'{"epoch": 1, "loss": null}\n' + line[:cut])
        assert read_rows(path) == [{"epoch": 1, "loss": None}]
    path.write_bytes(line[:-1])  # whole but for its newline
    assert read_rows(path) == [{"epoch": 2, "loss": 0.25}]


@pytest.mark.parametrize("broken", [b'{"epoch": 1\n{"epoch": 2}\n', b"\xff\n", b"3\n", b"\n"])
def test_a_broken_line_that_no_kill_can_leave_is_an_error(tmp_path, broken):
    (tmp_path / "metrics.jsonl").write_bytes(broken)
    with pytest.raises(DataError, match="metrics.jsonl line 1: not a row"):
        read_rows(tmp_path / "metrics.jsonl")


def test_unreadable_is_an_error_of_one_line(tmp_path):
    with pytest.raises(DataError, match="Is a directory"):
        read_rows(tmp_path)
    (tmp_path / "x.json").write_text('{"a": ')
    with pytest.raises(DataError, match="x.json: cannot be read"):
        read_json(tmp_path / "x.json")
    assert read_json(tmp_path / "none.json") is None


def test_csv_joins_by_epoch_with_columns_in_order_of_appearance():
    metrics = [{"epoch": 1, "loss": 0.1 + 0.2, "acc": None}, {"epoch": 2, "loss": math.nan, "new": "a,b"}]
    times = [{"epoch": 2, "seconds": 1.5}, {"epoch": 3, "seconds": 2.0}]
    assert csv_text(metrics, times) == (
        'epoch,loss,acc,new,seconds\n1,0.30000000000000004,,,\n2,,,"a,b",1.5\n3,,,,2.0\n'
    )
    assert csv_text([], []) == "\n"
