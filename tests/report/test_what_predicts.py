"""The columns of what predicts."""

import pytest

from ravine.report.what_predicts import columns, line

VOTED = [{"epoch": 1, "val/loss": 2, "vote/val/loss": 1, "member00/val/loss": 1, "member01/val/loss": 3, "lr": 0.1}]
OLD = [{"epoch": 1, "val/loss": 2, "member00/val/loss": 1, "member01/val/loss": 3}]


@pytest.mark.parametrize(
    ("rows", "members", "voters", "found"),
    [
        ([{"val/loss": 2}], 1, (0,), ("val/loss",)),
        ([], 1, (0,), ("val/loss",)),
        (VOTED, 2, (0, 1), ("vote/val/loss",)),
        (OLD, 2, (0, 1), ("val/loss",)),
        (VOTED, 2, (1,), ("member01/val/loss",)),
        (VOTED, 2, (), ()),
    ],
)
def test_of_whom(rows, members, voters, found):
    assert columns("val/loss", rows, members, voters) == found


def test_what_no_member_has_of_its_own_is_of_all():
    assert columns("lr", VOTED, 2, ()) == ("lr",)


def test_several_columns_are_a_line_with_gaps():
    rows = [{"epoch": 1, "a": 1, "b": 2}, {"epoch": 2, "a": 3}]
    assert line(rows, ("a", "b")) == ([1, 2, None, 1, 2, None], [1, 3, None, 2, None, None])
    assert line(rows, ("a",)) == ([1, 2], [1, 3])
    assert line(rows, ()) == ([], [])
