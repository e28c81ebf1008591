from pathlib import Path

import numpy as np
import pytest

from ravine import data
from ravine.errors import DataError


def test_location_is_absolute_and_only_the_word_means_the_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert data.location("digits") == "digits"
    assert data.location(Path("digits")) == data.location("./digits") == str(tmp_path / "digits")
    assert data.location("~/photos") == data.location(Path("~/photos")) == str(tmp_path / "home" / "photos")
    assert data.location((np.zeros(1), [0])) is None
    assert data.location({"x": 0}) is None


def test_a_path_called_digits_is_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        data.load(Path("digits"))


def test_the_home_of_nobody_is_no_such_folder():
    with pytest.raises(DataError, match="no such folder"):
        data.load("~nobody-of-that-name/photos")
