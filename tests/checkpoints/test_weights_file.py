import json
import subprocess
import sys

import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ravine.checkpoints import weights_file
from ravine.errors import DataError, SaveError, UsageError

ABOUT = {"classes": ["cat", "Käse", "重"], "mean": [0.1, 1 / 3], "size": 32, "nested": {"none": None, "yes": True}}


@pytest.fixture
def path(tmp_path):
    tensors = {"conv.weight": torch.arange(54.0).reshape(2, 3, 3, 3), "bn.steps": torch.tensor(7)}
    weights_file.write(tmp_path / "best.safetensors", tensors, ABOUT)
    return tmp_path / "best.safetensors"


def refusal(path):
    with pytest.raises(DataError) as caught:
        weights_file.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_round_trip(path):
    tensors, about = weights_file.read(path)
    assert about == ABOUT == weights_file.read_about(path)
    assert torch.equal(tensors["conv.weight"], torch.arange(54.0).reshape(2, 3, 3, 3))
    assert tensors["bn.steps"].item() == 7
    assert sorted(tensors) == ["bn.steps", "conv.weight"]
    assert [file.name for file in path.parent.iterdir()] == ["best.safetensors"]


def test_other_tools_load_it(path):
    assert safetensors.torch.load_file(path)["conv.weight"].shape == (2, 3, 3, 3)
    with safetensors.safe_open(path, "pt") as file:
        assert file.metadata()["format"] == "pt"
        assert json.loads(file.metadata()["ravine"])["about"] == ABOUT


def test_equal_content_gives_equal_bytes(path):
    tensors, about = weights_file.read(path)
    weights_file.write(path.with_name("again"), dict(sorted(tensors.items(), reverse=True)), about)
    assert weights_file.read(path.with_name("again"))[1] == about
    weights_file.write(path.with_name("third"), dict(sorted(tensors.items(), reverse=True)), about)
    assert path.with_name("again").read_bytes() == path.with_name("third").read_bytes()


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(lambda name: name != "__metadata__")
shapes = st.lists(st.integers(0, 4), max_size=3)
dtypes = st.sampled_from(
    [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.uint8]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    st.dictionaries(names, st.tuples(shapes, dtypes, st.integers(0, 2**32)), max_size=5),
    st.dictionaries(st.text(), json_values, max_size=4),
)
def test_any_names_shapes_types_and_about_come_back(tmp_path_factory, specs, about):
    tensors = {}
    for name, (shape, dtype, seed) in specs.items():
        size = torch.empty(shape, dtype=dtype).nbytes
        random = torch.randint(0, 256, (size,), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))
        tensors[name] = random.view(dtype).reshape(shape).transpose(0, -1) if shape else random.view(dtype)[0]
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    weights_file.write(path, tensors, about)
    loaded, about_loaded = weights_file.read(path)
    assert about_loaded == about
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (loaded[name].dtype, loaded[name].shape) == (tensor.dtype, tensor.shape)
        flat, expected = loaded[name].reshape(-1), tensor.contiguous().reshape(-1)
        assert torch.equal(flat.view(torch.uint8), expected.view(torch.uint8))


def test_cut_short_at_any_length_is_found(path):
    whole = path.read_bytes()
    for i in range(50):
        path.write_bytes(whole[: len(whole) * i // 50])
        refusal(path)
    path.write_bytes(whole[:-1])
    assert f"has {len(whole) - 1:,} bytes instead of {len(whole):,}" in refusal(path)
    with pytest.raises(DataError, match="bytes instead of"):
        weights_file.read_about(path)


def test_a_flipped_bit_at_any_place_is_found(path):
    whole = path.read_bytes()
    for i in range(50):
        place = (len(whole) - 1) * i // 49
        flipped = bytearray(whole)
        flipped[place] ^= 1 << i % 8
        path.write_bytes(flipped)
        refusal(path)
    assert "SHA-256 differs" in refusal(path)  # the last one, in a weight


def test_a_longer_file_is_refused(path):
    path.write_bytes(path.read_bytes() + b"\0")
    assert "bytes instead of" in refusal(path)


def test_changed_names_and_classes_are_found_although_the_weights_are_right(path):
    whole = path.read_bytes()
    for old, new in ((b"conv.weight", b"conv.weighs"), (b'\\"cat\\"', b'\\"dog\\"')):
        assert whole.count(old) == 1
        path.write_bytes(whole.replace(old, new))
        assert "SHA-256 differs" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html><html></html>", b"PK\x03\x04" + bytes(99), b"\x80\x02}q\x00.", bytes(100)]
)
def test_other_kinds_of_files_are_refused_in_one_line(tmp_path, content):
    (tmp_path / "model.safetensors").write_bytes(content)
    assert "not a safetensors file" in refusal(tmp_path / "model.safetensors")


def framed(text, data=b""):
    return len(text).to_bytes(8, "little") + text + data


def ours(**changed):
    inner = {"format": 1, "sha256": "0" * 64, "about": {}} | changed
    return framed(json.dumps({"__metadata__": {"format": "pt", "ravine": json.dumps(inner)}}).encode())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (framed(b"[]"), "not a safetensors file"),
        (framed(b"{" * 100_000), "not a safetensors file"),
        (framed(b'{"__metadata__": 3}'), "not a safetensors file"),
        (framed(b'{"a": {"data_offsets": "ab"}}'), "not a safetensors file"),
        (framed(b'{"a": {"data_offsets": [0, %s]}}' % (b"9" * 5000)), "not a safetensors file"),
        (framed(b'{"__metadata__": {"ravine": "[]"}}'), "weights format None"),
        (ours(format=2), "weights format 2; expected 1. Update ravine"),
        (ours(sha256="\ud800" * 64), r"damaged \(header\)"),
        (ours(about=[]), r"damaged \(header\)"),
        (ours(), "SHA-256 differs"),
    ],
)
def test_hostile_and_foreign_headers_are_refused(tmp_path, content, message):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        weights_file.read(path)


def test_a_foreign_safetensors_file_is_named_as_such(tmp_path):
    path = tmp_path / "timm.safetensors"
    safetensors.torch.save_file({"a": torch.zeros(2)}, path)
    line = refusal(path)
    assert "ravine did not write" in line
    assert "safetensors.torch.load_file" in line


def test_missing_files_and_folders_are_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "none.safetensors")
    assert "not a file" in refusal(tmp_path)


def test_a_refused_write_keeps_the_old_file(path):
    before = path.read_bytes()
    with pytest.raises(UsageError):
        weights_file.write(path, {"z": torch.zeros(1, dtype=torch.complex64)}, {})
    assert path.read_bytes() == before
    with pytest.raises(SaveError, match="cannot be written"):
        weights_file.write(path / "below" / "x.safetensors", {}, {})
    assert [file.name for file in path.parent.iterdir()] == ["best.safetensors"]


def test_reading_about_does_not_wait_for_torch(path):
    code = f"""if True:
        import sys
        from pathlib import Path
        from ravine.checkpoints import run_folder, weights_file
        assert weights_file.read_about(Path({str(path)!r}))["size"] == 32
        assert "torch" not in sys.modules and "numpy" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)
