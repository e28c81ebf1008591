"""Every refusal is one line that can be shown anywhere."""

import pytest

from ravine.errors import DataError, RavineError, SaveError, UsageError, listed


@pytest.mark.parametrize("kind", [RavineError, UsageError, DataError, SaveError])
def test_an_error_is_one_printable_line_whatever_a_name_holds(kind):
    hostile = "\x1b[31mred\nline\u202e \udc80"
    line = str(kind(f"holds {hostile}", where=hostile, expected=hostile, cure=hostile))
    assert line.isprintable()
    assert line.count(r"\x1b[31mred line\u202e \udc80") == 4


def test_a_list_is_short_and_printable():
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert listed(["a\nb"]) == r"a\nb"
    assert listed(["x" * 12_000]) == "x" * 99 + "…"
