import os
import subprocess
import sys

import numpy as np
import pytest

from ravine import data


@pytest.fixture
def split():
    store = np.arange(60, dtype=np.uint8).reshape(10, 1, 2, 3)
    rows = np.array([7, 0, 3, 9])
    return data.Split(store, y=np.array([1, 0, 1, 0]), names=["h", "a", "d", "j"], rows=rows)


def test_take_gathers_rows(split):
    indices = np.array([3, 3, 0])
    taken = split.take(indices)
    assert np.array_equal(taken, split.store[[9, 9, 7]])
    assert not np.shares_memory(taken, split.store)
    assert split.take(np.array([], np.int64)).shape == (0, 1, 2, 3)
    with pytest.raises(IndexError):
        split.take(np.array([4]))


def test_a_part_of_a_part(split):
    part = split.part(np.array([1, 2, 3])).part(np.array([2, 0]))
    assert (part.names, part.y.tolist()) == (["j", "a"], [0, 0])
    assert np.array_equal(part.take(np.array([0, 1])), split.store[[9, 0]])
    assert part.store is split.store or np.shares_memory(part.store, split.store)


def test_sizes(split):
    assert (len(split), split.shape, split.nbytes) == (4, (1, 2, 3), 24)
    whole = data.Split(split.store, np.zeros(10, np.int64), [""] * 10)
    assert np.array_equal(whole.take(np.arange(10)), split.store)


def test_a_data_set_larger_than_memory(tmp_path):
    """400 MB of examples, gathered and checked by a process that may have 120 MB of memory for data."""
    n, shape = 8192, (3, 128, 128)
    with open(tmp_path / "pixels.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (n, *shape)})
        for start in range(0, n, 512):
            rows = np.arange(start, start + 512) % 251
            file.write(np.broadcast_to(rows.astype(np.uint8)[:, None, None, None], (512, *shape)).copy().data)
    code = f"""
import resource
import numpy as np
from ravine.data.split import Split
from ravine.data.batches import steps
resource.setrlimit(resource.RLIMIT_DATA, (120 * 2**20,) * 2)
try:
    np.ones(400 * 2**20, np.uint8)
    raise SystemExit("the limit does not hold")
except MemoryError:
    pass
store = np.load({str(tmp_path / "pixels.npy")!r}, mmap_mode="r")
split = Split(store, np.zeros({n}, np.int64), range({n}), rows=np.arange({n})[::-1])
order = np.random.default_rng(0).permutation({n})
for start, stop in steps({n}, 256):
    batch = split.take(order[start:stop])
    rows = {n - 1} - order[start:stop]
    assert batch.shape == (256, 3, 128, 128)
    assert (batch[:, 0, 0, 0] == rows % 251).all() and (batch[:, -1, -1, -1] == rows % 251).all()
print("all gathered")
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (result.stdout, result.stderr) == ("all gathered\n", "")


def test_images_that_take_more_memory_than_there_is(make):
    """192 MB of pixels, decoded into the cache and gathered from it in processes that may have 120 MB."""
    root = make(*(f"{label}/{i}.png" for label in "ab" for i in range(32)))
    code = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, (120 * 2**20,) * 2)
import numpy as np
from ravine import data
assert "torch" not in sys.modules and "rich" not in sys.modules
split = data.load({str(root)!r}, size=1024).splits["train"]
assert split.nbytes > 190 * 2**20
print(sum(int(split.take(np.arange(i, i + 8)).sum()) for i in range(0, 64, 8)))
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    answers = set()
    for _ in range(2):
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert result.stderr == ""
        answers.add(result.stdout)
    split = data.load(root, size=1024).splits["train"]
    assert answers == {f"{split.take(np.arange(64)).sum()}\n"}


def test_two_together_copy_only_where_they_must(split):
    other = data.Split(split.store, y=np.array([1]), names=["b"], rows=np.array([1]))
    both = split.with_more(other)
    assert np.shares_memory(both.store, split.store)
    elsewhere = split.with_more(data.Split(split.store[1:2] + 0, y=np.array([1]), names=["b"]))
    for found in (both, elsewhere):
        assert (found.names, found.y.tolist()) == (["h", "a", "d", "j", "b"], [1, 0, 1, 0, 1])
        assert np.array_equal(found.take(np.arange(5)), split.store[[7, 0, 3, 9, 1]])
