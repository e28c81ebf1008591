"""Times as one types them."""

import pytest

from ravine.duration import in_words, seconds_in
from ravine.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("2h", 7200), ("1h30m", 5400), ("90", 90), ("1.5m", 90), ("1d", 86400)],
)
def test_a_time_in_words(text, seconds):
    assert seconds_in(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "5 minutes", "-5m", "m", "5m30h", "inf", "nan", "1e3"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UsageError, match=r"--budget: cannot be .*5m"):
        seconds_in(text)


@pytest.mark.parametrize("seconds", [0.5, 7.5, 30, 59.9, 60, 90, 300, 5400, 86400])
def test_words_are_read_again(seconds):
    assert seconds_in(in_words(seconds)) == pytest.approx(seconds, rel=0.01)
