"""Progress is a function of the step alone, and moving the end changes nothing of what is done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.errors import UsageError
from ravine.training.pace import Pace


def test_without_a_clock_progress_is_the_share_of_the_steps():
    pace = Pace([(0, 8)])
    assert [pace.progress(step) for step in range(10)] == [0, 1 / 8, 2 / 8, 3 / 8, 4 / 8, 5 / 8, 6 / 8, 7 / 8, 1, 1]


moves = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 600)), max_size=8)


def moved(total, several):
    pace = Pace([(0, total)])
    for step, end in sorted(several):
        pace.move_end(step, end)
    return pace


@given(st.integers(1, 300), moves)
def test_progress_always_rises_and_ends_at_1(total, several):
    pace = moved(total, several)
    along = [pace.progress(step) for step in range(pace.total + 1)]
    assert along[0] == 0
    assert along[-1] == 1
    assert all(a < b for a, b in zip(along, along[1:], strict=False))


@given(st.integers(2, 300), moves, st.integers(1, 600))
def test_a_move_leaves_what_is_done_bit_for_bit_and_makes_no_jump(total, several, end):
    pace = moved(total, several)
    step = pace.total - 1
    before = [pace.progress(s) for s in range(step + 1)]
    pace.move_end(step, end)
    assert [pace.progress(s) for s in range(step + 1)] == before
    assert pace.total == max(end, step + 1)


@given(st.integers(1, 300), moves)
def test_its_text_gives_the_same_progress_bit_for_bit(total, several):
    pace = moved(total, several)
    again = Pace.parse(str(pace))
    assert [again.progress(s) for s in range(pace.total)] == [pace.progress(s) for s in range(pace.total)]


@given(st.integers(1, 300), moves, st.floats(0, 1))
def test_the_first_step_at_a_progress(total, several, progress):
    pace = moved(total, several)
    assert pace.step_at(progress) == next((s for s in range(pace.total) if pace.progress(s) >= progress), pace.total)


def test_past_the_end_nothing_is_moved():
    pace = Pace([(0, 5)])
    pace.move_end(5, 9)
    assert str(pace) == "0:5"


@pytest.mark.parametrize("text", ["", "5", "0:0", "1:5", "0:5, 6:9", "0:5, 3:3", "0:5, 0:6", "0:x", "0:5:6", "0:5,"])
def test_what_is_no_pace_is_refused(text):
    with pytest.raises(UsageError, match="--plan"):
        Pace.parse(text, "--plan")
