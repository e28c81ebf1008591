"""Weights files of anybody's making: what is read, what is refused in one line, and that nothing of them is run."""

import argparse
import io
import os
import pickle
import re
import tarfile
import warnings
import zipfile

import pytest
import safetensors.torch
import torch
from torch import nn

from ravine.errors import DataError, MemoryExhaustedError
from ravine.transfer import read_state_dict, state_dict

W = {"a.weight": torch.arange(4.0).reshape(2, 2), "a.bias": torch.ones(2)}
LEGACY = {"_use_new_zipfile_serialization": False}


class Hostile:
    """Pickled, it asks to make a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


def written(content, **how):
    buffer = io.BytesIO()
    torch.save(content, buffer, **how)
    return buffer.getvalue()


def read(tmp_path, content, name="w.pth"):
    """What is read, and the sentences that are said."""
    path, said = tmp_path / name, []
    path.write_bytes(content)
    return read_state_dict(path, said.append), said


def refused(tmp_path, content, name="w.pth"):
    with pytest.raises(DataError) as refusal:
        read(tmp_path, content, name)
    assert str(refusal.value).startswith(str(tmp_path / name))
    return str(refusal.value)


def assert_equal(state, expected):
    assert state.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(state[name], tensor), name


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.th", "w", "w.safetensors"])
def test_the_contents_decide_and_not_the_ending(name, tmp_path):
    assert_equal(read(tmp_path, safetensors.torch.save(W), name)[0], W)
    if name != "w.safetensors":
        assert_equal(read(tmp_path, written(W), name)[0], W)
        assert_equal(read(tmp_path, written(W, **LEGACY), name)[0], W)


def tar(pickled):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as file:
        for name in ("sys_info", "pickle", "storages", "tensors"):
            entry = tarfile.TarInfo(name)
            entry.size = len(pickled)
            file.addfile(entry, io.BytesIO(pickled))
    return buffer.getvalue()


def zipped(pickled):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickled)
        file.writestr("archive/version", "3")
    return buffer.getvalue()


HOSTILE = {
    "alone": lambda evil: written(evil),
    "beside weights": lambda evil: written({"state_dict": W, "x": evil}),
    "among weights": lambda evil: written({"state_dict": {**W, "x": evil}}),
    "in lists": lambda evil: written({"model": {"y": [{"z": evil}]}}),
    "legacy": lambda evil: written({"state_dict": {**W, "x": evil}}, **LEGACY),
    "protocol 4": lambda evil: written({"state_dict": {**W, "x": evil}}, pickle_protocol=4),
    "pickle 0": lambda evil: pickle.dumps(evil, protocol=0),
    "pickle 2": lambda evil: pickle.dumps({"state_dict": evil}, protocol=2),
    "pickle 5": lambda evil: pickle.dumps({"state_dict": evil}, protocol=5),
    "tar": lambda evil: tar(pickle.dumps(evil, protocol=2)),
    "zip": lambda evil: zipped(pickle.dumps(evil, protocol=2)),
}


@pytest.mark.parametrize("name", ["w.pth", "w.pt", "w.th", "w.safetensors"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_pickle_is_refused_and_nothing_of_it_is_run(kind, name, tmp_path):
    content = HOSTILE[kind](Hostile(tmp_path / "owned"))
    line = refused(tmp_path, content, name)
    assert not (tmp_path / "owned").exists()
    if name == "w.safetensors":
        assert "not a valid safetensors file" in line
    elif kind == "tar":
        assert "cannot be read safely" in line
    else:
        new = kind in ("protocol 4", "pickle 5")  # torch's reader knows protocol 2 only
        asks = "of a kind that cannot be read safely" if new else "that asks for code (posix.system)"
        assert f"a pickle {asks}, of which nothing was run" in line


def test_the_hostile_file_of_these_tests_is_one(tmp_path):
    pickle.loads(HOSTILE["pickle 2"](Hostile(tmp_path / "owned")))  # noqa: S301
    assert (tmp_path / "owned").exists()


def test_a_pickled_network_is_refused_with_the_cure(tmp_path):
    line = refused(tmp_path, written(nn.Linear(2, 2)))
    assert "torch.nn.modules.linear.Linear" in line
    assert line.endswith("torch.save(network.state_dict(), 'weights.pth')")
    assert "argparse.Namespace" in refused(tmp_path, written({"state_dict": W, "args": argparse.Namespace(lr=1)}))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_program_is_no_weights(tmp_path):
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), buffer)
    assert "a program, not weights" in refused(tmp_path, buffer.getvalue(), "w.pt")


@pytest.mark.parametrize("how", [{}, LEGACY], ids=["zip", "legacy"])
def test_a_file_that_is_cut_short_is_refused_wherever_it_was_cut(how, tmp_path):
    whole = written(W, **how)
    for length in (0, 1, 9, 40, 200, len(whole) // 2, len(whole) - 60, len(whole) - 9, len(whole) - 1):
        assert "cut short or damaged" in refused(tmp_path, whole[:length]), length


def test_a_file_of_other_bytes_is_refused(tmp_path):
    for seed in range(30):
        content = torch.randint(256, (200,), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
        assert "not a PyTorch weights file" in refused(tmp_path, b"\x97" + content.numpy().tobytes()), seed


def test_a_safetensors_file_that_is_cut_short_or_lies_is_refused(tmp_path):
    whole = safetensors.torch.save(W)
    lies = [
        '{"a":{"dtype":"F32","shape":[9999999],"data_offsets":[0,16]}}',
        '{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}',
        '{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[-4,12]}}',
        '{"a":{"dtype":"X9","shape":[2,2],"data_offsets":[0,16]}}',
        '{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,1600]}}',
        '{"a":[]}',
    ]
    files = [len(lie).to_bytes(8, "little") + lie.encode() + bytes(16) for lie in lies]
    files += [whole[:length] for length in (0, 7, 8, 30, len(whole) - 1)]
    files += [(10**12).to_bytes(8, "little") + whole[8:], written(W)]
    for content in files:
        assert "not a valid safetensors file" in refused(tmp_path, content, "w.safetensors"), content[:80]


@pytest.mark.parametrize(
    "text", ["version https://git-lfs.github.com/spec/v1\noid 3", "<!DOCTYPE html><html>", "some words, no more"]
)
def test_text_in_the_place_of_weights_is_told(text, tmp_path):
    assert "text, and no weights. Download it again" in refused(tmp_path, text.encode())


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "w.pth").mkdir()
    for name, words in (("w.pth", "a folder"), ("nothing.pth", "cannot be read (No such file or directory)")):
        with pytest.raises(DataError) as refusal:
            read_state_dict(tmp_path / name)
        assert words in str(refusal.value)


@pytest.mark.parametrize("nest", ["state_dict", "model", "model_state_dict", "net", "ema", "anything"])
def test_weights_inside_a_checkpoint_are_found_and_told(nest, tmp_path):
    optimizer = {"state": {0: {"momentum": torch.ones(2)}}, "step": torch.tensor(3)}
    state, said = read(tmp_path, written({"epoch": 3, nest: W, "optimizer": optimizer}))
    assert_equal(state, W)
    assert len(said) == 1
    assert said[0].startswith(f"took {nest!r} of w.pth (beside it: ")
    assert "epoch" in said[0]


def test_weights_deeper_inside_and_before_an_average(tmp_path):
    average = {name: tensor + 1 for name, tensor in W.items()}
    state, said = read(tmp_path, written({"state": {"ema": average, "model": W}, "step": torch.tensor(4)}))
    assert_equal(state, W)
    assert said == ["took 'state.model' of w.pth (beside it: state.ema, step)"]


def test_a_checkpoint_that_holds_itself_is_read(tmp_path):
    content = {"model": W}
    content["self"] = content
    assert_equal(read(tmp_path, written(content))[0], W)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"epoch": 3, "lr": 0.1}, "a dict with epoch, lr"),
        ({}, "an empty dict"),
        ([torch.ones(2)], "a list"),
        (torch.ones(2), "a Tensor"),
        (7, "a int"),
    ],
)
def test_a_file_without_tensors_by_name_says_what_is_in_it(content, words, tmp_path):
    assert f"holds no state dict but {words};" in refused(tmp_path, written(content))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn])
def test_other_floats_become_float32_and_it_is_said(dtype, tmp_path):
    state, said = read(tmp_path, written({name: tensor.to(dtype) for name, tensor in W.items()}))
    assert_equal(state, W)
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    assert said == [f"converted {str(dtype).removeprefix('torch.')} to float32"]


def test_float32_and_whole_numbers_stay_and_nothing_is_said(tmp_path):
    counted = {**W, "n": torch.tensor(3), "mask": torch.tensor([True, False])}
    state, said = read(tmp_path, written(counted))
    assert_equal(state, counted)
    assert state["n"].dtype == torch.int64
    assert said == []


def test_what_is_no_tensor_is_left_and_told(tmp_path):
    state, said = read(tmp_path, written({**W, "_extra_state": {"x": 1}, "n": 4}))
    assert_equal(state, W)
    assert said == ["left 2 entries that are no tensors: _extra_state, n"]


def test_parameters_and_tensors_of_one_storage_are_read(tmp_path):
    base = torch.arange(6.0)
    content = {"all": base, "part": base[2:4], "turned": base.view(2, 3).T, "learned": nn.Parameter(torch.ones(2))}
    state, said = read(tmp_path, written(content))
    assert_equal(state, content)
    assert said == []
    assert not any(tensor.requires_grad for tensor in state.values())


def odd(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sparse rows are in beta, and quantized tensors on their way out
        return {
            "sparse": lambda: torch.eye(3).to_sparse(),
            "sparse rows": lambda: torch.eye(3).to_sparse_csr(),
            "quantized": lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
            "complex": lambda: torch.ones(2, dtype=torch.complex64),
            "meta": lambda: torch.ones(2, device="meta"),
            "a billion of one": lambda: torch.ones(1).expand(10**9),
            "nan": lambda: torch.tensor([1.0, float("nan")]),
            "infinite": lambda: torch.tensor([1.0, float("inf")]).half(),
            "too large": lambda: torch.tensor([1.0, 1e300], dtype=torch.float64),
        }[kind]()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("sparse", "is sparse"),
        ("sparse rows", "is sparse"),
        ("quantized", "is quantized"),
        ("complex", "is of complex64"),
        ("meta", "is without numbers of its own"),
        ("a billion of one", "is 1,000,000,000 numbers of which the file holds fewer"),
        ("nan", "has 1 of 2 numbers NaN or infinite"),
        ("infinite", "has 1 of 2 numbers NaN or infinite"),
        ("too large", "has 1 of 2 numbers NaN or infinite in float32"),
    ],
)
def test_what_is_no_plain_finite_tensor_is_refused_by_name(kind, words, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = written({**W, "layer.weight": odd(kind)})
    assert f"layer.weight {words}" in refused(tmp_path, content)


def deflated(content):
    """The same zip, compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as plain, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for entry in plain.infolist():
            packed.writestr(entry.filename, plain.read(entry))
    return buffer.getvalue()


def test_a_file_that_unpacks_to_more_than_it_is_is_refused_unread(tmp_path):
    content = deflated(written({"w": torch.zeros(1_000_000)}))
    assert len(content) < 20_000
    line = refused(tmp_path, content)
    assert re.search(r"a compressed zip file \([\d,]{5,6} bytes, unpacked 4,000,\d{3}\)", line)


def test_many_names_for_the_same_numbers_do_not_become_many_copies(tmp_path):
    half = torch.zeros(10_000, dtype=torch.float16)
    shared = {f"n{i}": half for i in range(40)}
    assert "40 tensors that share their numbers: 1,600,000 bytes as float32" in refused(tmp_path, written(shared))
    tied = {"embedding": half, "head": half.view(100, 100)}
    assert read(tmp_path, written(tied))[0].keys() == tied.keys(), "two that are tied are nothing odd"


def test_dicts_that_are_many_times_in_each_other_are_looked_at_once(tmp_path, monkeypatch):
    looked = []
    inner = {"w": torch.ones(1)}
    for _ in range(2):
        inner = {f"k{i}": inner for i in range(60)}
    monkeypatch.setattr(state_dict, "_DEEPEST", 5)
    real = state_dict._dicts
    monkeypatch.setattr(state_dict, "_dicts", lambda *given: looked.append(1) or real(*given))
    state, said = read(tmp_path, written(inner))
    assert list(state) == ["w"]
    assert said == ["took 'k0.k0' of w.pth (beside it: k1, k2, k3 and 56 more)"]
    assert len(looked) < 200, "3,661 ways lead to three dicts"


def test_names_that_no_network_has_are_refused(tmp_path, monkeypatch):
    long = safetensors.torch.save({"a." * 6000 + "weight": torch.ones(1)})
    assert "1 names, the longest of 12,006 characters; expected at most 100,000 of 500" in refused(tmp_path, long)
    monkeypatch.setattr(state_dict, "_MOST_NAMES", 100)
    many = safetensors.torch.save({str(i): torch.ones(1) for i in range(101)})
    assert "101 names, the longest of 3 characters" in refused(tmp_path, many)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")])
def test_a_lack_of_memory_is_not_called_damage(error, tmp_path, monkeypatch):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(torch, "load", full)
    with pytest.raises(MemoryExhaustedError, match="no memory left to read the weights"):
        read(tmp_path, written(W))
