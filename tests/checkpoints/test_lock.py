import signal
import subprocess
import sys

import pytest

from ravine.checkpoints.lock import locked
from ravine.errors import RunInUseError, SaveError, UsageError

HOLD = """if True:
    import sys, time
    from pathlib import Path
    from ravine.checkpoints.lock import locked
    with locked(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
"""


def test_a_second_process_is_refused_and_a_kill_frees_the_lock(tmp_path):
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunInUseError, match=f"process {other.pid} is training") as caught, locked(path):
            pass
        assert caught.value.exit_code == 6
        other.kill()
        assert other.wait() == -signal.SIGKILL
    with locked(path):
        pass


def test_the_same_process_is_refused_too_until_it_has_left(tmp_path):
    path = tmp_path / "lock"
    with locked(path), pytest.raises(RunInUseError), locked(path):
        pass
    with pytest.raises(ZeroDivisionError), locked(path):
        raise ZeroDivisionError
    with locked(path):
        pass


def test_a_lock_that_cannot_be_made_is_a_save_error(tmp_path):
    with pytest.raises(SaveError, match="cannot be written"), locked(tmp_path / "none" / "lock"):
        pass


def test_without_flock_the_refusal_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fcntl", None)
    with pytest.raises(UsageError, match="expected Linux, macOS or WSL"), locked(tmp_path / "lock"):
        pass
