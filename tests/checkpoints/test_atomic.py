import errno

import pytest

from ravine.checkpoints import atomic
from ravine.checkpoints.durable import saving, write_synced
from ravine.errors import SaveError


def failing():
    yield b"new"
    raise OSError(errno.ENOSPC, "No space left on device")


def test_old_or_new_and_nothing_beside(tmp_path):
    path = tmp_path / "x"
    atomic.write(path, [b"old"])
    with pytest.raises(OSError, match="No space"):
        atomic.write(path, failing())
    assert path.read_bytes() == b"old"
    atomic.write(path, [b"n", memoryview(b"ew")])
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_kill_left_is_overwritten(tmp_path):
    (tmp_path / ".x.tmp").write_bytes(b"a long half-written file")
    atomic.write(tmp_path / "x", [b"new"])
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("x", b"new")]


def test_append(tmp_path):
    write_synced(tmp_path / "x", [b"a"], "ab")
    write_synced(tmp_path / "x", [b"b"], "ab")
    assert (tmp_path / "x").read_bytes() == b"ab"


def test_the_save_error_names_path_cause_what_is_kept_and_cure(tmp_path):
    with pytest.raises(SaveError) as caught, saving(tmp_path / "x", kept=["step-000000007"]):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")
    assert str(caught.value) == (
        f"{tmp_path / 'x'}: cannot be written (Disk quota exceeded). step-000000007 is untouched. "
        "Make room, or choose another folder, and run it again"
    )
    assert caught.value.exit_code == 4
