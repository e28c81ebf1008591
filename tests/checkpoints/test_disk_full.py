"""The file system says no: one line, the checkpoints from before stay good, and no temporary remains."""

import errno
import os
import resource
from pathlib import Path

import pytest
import torch

from ravine.checkpoints import store, weights_file
from ravine.errors import SaveError

SMALL, LARGE = {"weights": torch.ones(10)}, {"weights": torch.ones(100_000)}


@pytest.fixture
def folder(tmp_path):
    for step in (1, 2):
        store.save(tmp_path, step, SMALL, {"step": step})
    return tmp_path


@pytest.fixture
def files_of_at_most_100_kb():
    """A real limit of the system: a longer write fails with EFBIG (Python ignores the signal SIGXFSZ)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_untouched(folder, *steps):
    loaded = store.load_newest(folder)
    assert loaded is not None
    assert (loaded.step, loaded.state, loaded.damaged) == (steps[-1], {"step": steps[-1]}, ())
    assert sorted(path.name for path in folder.iterdir()) == ["LATEST", *(f"step-{step:09d}" for step in steps)]


@pytest.mark.usefixtures("files_of_at_most_100_kb")
def test_a_real_limit_on_the_file_size(folder):
    with pytest.raises(SaveError) as caught:
        store.save(folder, 3, LARGE, {})
    assert str(caught.value) == (
        f"{folder / 'step-000000003'}: cannot be written (File too large). step-000000002 is untouched. "
        "Make room, or choose another folder, and run it again"
    )
    assert caught.value.exit_code == 4
    assert_untouched(folder, 1, 2)
    store.save(folder, 3, SMALL, {"step": 3})
    assert_untouched(folder, 2, 3)


@pytest.mark.usefixtures("files_of_at_most_100_kb")
def test_a_real_limit_while_weights_are_written(tmp_path):
    weights_file.write(tmp_path / "best.safetensors", SMALL, {"epoch": 1})
    with pytest.raises(SaveError, match="File too large"):
        weights_file.write(tmp_path / "best.safetensors", LARGE, {"epoch": 2})
    assert weights_file.read(tmp_path / "best.safetensors")[1] == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["best.safetensors"]


@pytest.mark.parametrize("step", [2, 3])
@pytest.mark.parametrize("moment", ["after-open", "mid-write", "before-fsync", "before-manifest", "before-rename"])
def test_no_space_before_the_checkpoint_exists(folder, monkeypatch, moment, step):
    def full(name):
        if name == moment:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "failpoint", full)
    with pytest.raises(SaveError, match=r"No space left on device\)\. step-000000002 is untouched"):
        store.save(folder, step, SMALL, {"step": 99})
    assert_untouched(folder, 1, 2)


@pytest.mark.parametrize("moment", ["before-pointer", "mid-delete"])
def test_no_space_afterwards_is_an_error_too_and_the_new_one_is_good(folder, monkeypatch, moment):
    def full(name):
        if name == moment:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store, "failpoint", full)
    with pytest.raises(SaveError, match="No space left"):
        store.save(folder, 3, SMALL, {"step": 3})
    monkeypatch.undo()
    loaded = store.load_newest(folder)
    assert loaded is not None
    assert (loaded.step, loaded.damaged) == (3, ())
    store.save(folder, 4, SMALL, {"step": 4})
    assert_untouched(folder, 3, 4)


def test_an_interrupt_leaves_no_temporary(folder, monkeypatch):
    def interrupt(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "failpoint", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save(folder, 3, SMALL, {})
    assert_untouched(folder, 1, 2)


def test_a_file_in_the_folders_place(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SaveError, match="cannot be written"):
            store.save(folder, 1, SMALL, {})


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_a_file_system_that_cannot_be_written_even_by_root():
    with pytest.raises(SaveError, match="^/proc/ravine/step-000000001: cannot be written"):
        store.save(Path("/proc/ravine"), 1, SMALL, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(folder):
    folder.chmod(0o500)
    with pytest.raises(SaveError, match="Permission denied"):
        store.save(folder, 3, SMALL, {})
    folder.chmod(0o700)
    assert_untouched(folder, 1, 2)
