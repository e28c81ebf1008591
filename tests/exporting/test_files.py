"""The files: whole or absent, in agreement with ravine, and useful where ravine is not."""

import json
import subprocess
import sys

import numpy as np
import pytest
from drawn_network import network, rows

import ravine
from ravine import Ensemble
from ravine.errors import RavineError, SaveError, UsageError
from ravine.exporting import export, onnx_file

NEEDS_ONNX = pytest.mark.skipif(
    bool(onnx_file.missing()), reason=f"not installed: {', '.join(onnx_file.missing())} (pip install 'ravine[onnx]')"
)
# without ravine: prints the answers to one row and to all, and what the file says of itself
ALONE = """
import json, sys
sys.modules["ravine"] = None
import numpy as np
x = np.load("x.npy")
if sys.argv[1] == "pt2":
    import torch
    extra = dict.fromkeys(["classes", "input", "before", "output"], "")
    network = torch.export.load("model.pt2", extra_files=extra).module()
    said = [network(torch.from_numpy(part)).tolist() for part in (x[:1], x)]
else:
    import onnxruntime
    session = onnxruntime.InferenceSession("model.onnx")
    (name,) = (i.name for i in session.get_inputs())
    said = [session.run(["probabilities"], {name: part})[0].tolist() for part in (x[:1], x)]
    extra = session.get_modelmeta().custom_metadata_map
print(json.dumps([said, extra]))
"""


def test_weights_files_hold_everything(any_network, tmp_path):
    (file,) = export(any_network, tmp_path / "model.safetensors")
    assert (file.parity.largest, file.parity.same, file.replaced) == (0, 1, False)
    again = ravine.load(file.path)
    x = rows(any_network)
    np.testing.assert_array_equal(again.each(x), any_network.each(x))
    assert again.about == any_network.about
    assert file.size == file.path.stat().st_size


def test_pt2_and_onnx_of_every_kind(any_network, tmp_path):
    onnx = {} if onnx_file.missing() else {"onnx": tmp_path / "model.onnx"}
    for file in export(any_network, torch=tmp_path / "model.pt2", **onnx):
        assert file.parity.largest < 1e-5
        assert file.parity.same > 0.99
        assert file.parity.n == 256


@pytest.fixture(scope="module")
def both():
    """Three members of two kinds, whose classes have another order, with unequal votes."""
    first = network(members=2, classes=("ü", "a", "c"))
    return Ensemble([first, network("mlp([])", classes=("c", "a", "ü"), seed=1)], [0.7, 0.3])


@pytest.fixture(scope="module")
def folder(both, tmp_path_factory):
    """Where `both` is as model.pt2, and as model.onnx where that can be made."""
    folder = tmp_path_factory.mktemp("exported")
    onnx = {} if onnx_file.missing() else {"onnx": folder / "model.onnx"}
    export(both, torch=folder / "model.pt2", **onnx)
    return folder


@pytest.mark.parametrize("kind", ["pt2", pytest.param("onnx", marks=NEEDS_ONNX)])
def test_files_work_where_ravine_is_not(kind, both, folder):
    content = (folder / f"model.{kind}").read_bytes()
    own_places = (b"site-packages", ravine.__path__[0].encode())
    assert not any(place in content for place in own_places), "where it was made is nobody's business"
    x = rows(both, 5)
    np.save(folder / "x.npy", x)
    done = subprocess.run([sys.executable, "-c", ALONE, kind], cwd=folder, capture_output=True, text=True, check=True)
    (one, all_of_them), extra = json.loads(done.stdout)
    np.testing.assert_allclose(all_of_them, both.probabilities(x), atol=1e-6)
    np.testing.assert_allclose(one, all_of_them[:1], atol=1e-6)
    assert json.loads(extra["classes"]) == ["ü", "a", "c"]
    assert extra["input"].startswith("images: uint8 [N, 1, 8, 8]")


@NEEDS_ONNX
def test_several_at_once_and_half_as_large(tmp_path):
    one = network("mlp([700, 700])", members=2)
    names = {"out": "a.safetensors", "onnx": "a.onnx", "torch": "a.pt2"}
    files = export(one, **{kind: tmp_path / name for kind, name in names.items()}, half=True)
    assert [file.path.name for file in files] == list(names.values())
    for file in files:
        assert 1e-6 < file.parity.largest < 1e-2
        assert file.size < 0.55 * one.population.weights.nbytes
    assert ravine.load(tmp_path / "a.safetensors").population.weights.dtype == one.population.weights.dtype
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.onnx", "a.pt2", "a.safetensors"]


@NEEDS_ONNX
def test_onnx_names_its_input_and_batch(folder):
    import onnx

    model = onnx.load(folder / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    (given,), (made,) = model.graph.input, model.graph.output
    assert (given.name, given.type.tensor_type.elem_type) == ("images", onnx.TensorProto.UINT8)
    assert [d.dim_param or d.dim_value for d in given.type.tensor_type.shape.dim] == ["N", 1, 8, 8]
    assert made.name == "probabilities"
    assert [d.dim_param or d.dim_value for d in made.type.tensor_type.shape.dim] == ["N", 3]


@pytest.mark.parametrize("tolerance", [-1.0, float("nan")])
def test_a_file_that_disagrees_is_not_written(tolerance, tmp_path, monkeypatch):
    monkeypatch.setattr("ravine.exporting.exported.TOLERANCE", tolerance)
    (tmp_path / "a.pt2").write_bytes(b"old")
    with pytest.raises(RavineError, match=r"a\.safetensors: probabilities differ.*Nothing was written") as caught:
        export(network(), tmp_path / "a.safetensors", torch=tmp_path / "a.pt2")
    assert caught.value.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt2"]
    assert (tmp_path / "a.pt2").read_bytes() == b"old"


def test_a_network_that_says_nan_is_not_written(tmp_path):
    one = network()
    one.population.weights.fill_(float("nan"))
    with pytest.raises(RavineError, match="differ from ravine's by up to nan"):
        export(one, tmp_path / "a.safetensors")
    assert not list(tmp_path.iterdir())


def test_the_worst_of_both_halves_is_within_its_own_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("ravine.exporting.exported.TOLERANCE_HALF", 1e-7)
    with pytest.raises(RavineError, match="expected 1e-07 at most.*without --half"):
        export(network(), tmp_path / "a.safetensors", half=True)


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        ({}, UsageError, "no file to write"),
        ({"out": "a.pt2"}, UsageError, r"unknown ending; expected \.safetensors"),
        ({"torch": ".pt2"}, UsageError, r"unknown ending; expected \.pt2"),
        ({"torch": "nowhere/a.pt2"}, SaveError, r"nowhere/a\.pt2: cannot be written \(No such file"),
        ({"torch": "x" * 300 + ".pt2"}, SaveError, "name too long"),
        ({"torch": "folder.pt2"}, SaveError, "is a folder"),
        ({"torch": "run/weights/a.pt2"}, UsageError, "belongs to a run"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_any_work(files, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.pt2").mkdir()
    (tmp_path / "run" / "weights").mkdir(parents=True)
    (tmp_path / "run" / "request.json").write_text("{}")
    monkeypatch.setattr(ravine.Trained, "probabilities", lambda *_: pytest.fail("work was done"))
    with pytest.raises(error, match=words):
        export(network(), **files)


def test_without_the_extra_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(UsageError, match=r'--onnx: needs onnxscript\. Install it: pip install "ravine\[onnx\]"'):
        export(network(), onnx=tmp_path / "a.onnx")


def test_rows_of_another_kind_are_refused(tmp_path):
    for wrong, words in ((np.zeros((2, 1, 8, 8)), "uint8"), (np.zeros((0, 1, 8, 8), np.uint8), "no rows")):
        with pytest.raises(ValueError, match=words):
            export(network(), tmp_path / "a.safetensors", rows=wrong)


def test_rows_of_another_size_and_what_is_no_network_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"rows to compare on of shape \(2, 1, 9, 9\); expected \[N, 1, 8, 8\]"):
        export(network(), tmp_path / "a.safetensors", rows=np.zeros((2, 1, 9, 9), np.uint8))
    with pytest.raises(UsageError, match="int is no network; expected a network, a run or a path"):
        export(3, tmp_path / "a.safetensors")
    (first,) = export(network(), tmp_path / "a.safetensors")
    (second,) = export(str(tmp_path / "a.safetensors"), tmp_path / "b.safetensors")
    assert first.path.read_bytes() == second.path.read_bytes()
