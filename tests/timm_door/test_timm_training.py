"""timm's networks in ravine's trainings: trained, saved, loaded elsewhere, exported, regularized, several at once."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from timm_networks import NAMES, TWO_STEPS, arrays, batch, network

import ravine
from ravine import draws
from ravine.exporting import onnx_file
from ravine.population import Population, fastest_way, forward
from ravine.regularization import insert

pytest.importorskip("timm", reason="timm is not installed: make test-timm")
pytestmark = pytest.mark.timm
SMALL = {"model": 'timm("test_resnet")', **TWO_STEPS}
NEEDS_ONNX = pytest.mark.skipif(bool(onnx_file.missing()), reason=f"not installed: {', '.join(onnx_file.missing())}")


def raw():
    """The arrays' images as a network is given them, `[N, C, H, W]`."""
    return np.moveaxis(arrays()["x"], 3, 1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return ravine.train(arrays(), out=tmp_path_factory.mktemp("runs"), **{**SMALL, "model": 'timm("resnet18")'})


def test_trained_saved_and_loaded_in_a_fresh_process_it_predicts_the_same(run, tmp_path):
    x = raw()
    np.save(tmp_path / "x.npy", x)
    code = """
import sys
import numpy as np
import ravine
network = ravine.load(sys.argv[1])
np.save(sys.argv[3], network.each(np.load(sys.argv[2])))
"""
    places = [str(run.path), str(tmp_path / "x.npy"), str(tmp_path / "p.npy")]
    subprocess.run([sys.executable, "-c", code, *places], check=True)
    again = np.load(tmp_path / "p.npy")
    np.testing.assert_array_equal(again, run.best.each(x))
    assert again.shape == (1, 32, 3)
    assert run.summary["epochs"] == 2


def test_resumed_it_is_bit_identical(tmp_path):
    def stop(row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    settings = {**SMALL, "regularize": "dropout(0.3)"}
    whole = ravine.train(arrays(), out=tmp_path, name="whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays(), out=tmp_path, observers=[stop], **settings)
    resumed = ravine.train(arrays(), out=tmp_path, **settings)
    assert resumed.summary["epochs"] == 2
    for name, tensor in whole.last.tensors.items():
        assert torch.equal(tensor, resumed.last.tensors[name]), name


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "efficientnet_b0", "convnext_atto", "mobilenetv3_small_100"])
def test_other_kinds_train_too(name, tmp_path):
    run = ravine.train(arrays(), out=tmp_path, **{**SMALL, "model": f'timm("{name}")', "epochs": 1})
    assert run.summary["epochs"] == 1
    assert run.best.each(raw()).shape == (1, 32, 3)


def test_exported_weights_say_the_same_alone(run, tmp_path):
    (file,) = ravine.export(run, tmp_path / "net.safetensors")
    assert (file.parity.largest, file.parity.same) == (0, 1)
    np.testing.assert_array_equal(ravine.load(file.path).each(raw()), run.best.each(raw()))


@NEEDS_ONNX
@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_onnx_and_pt2_agree(name, tmp_path):
    run = ravine.train(arrays(), out=tmp_path, **{**SMALL, "model": f'timm("{name}")', "epochs": 1})
    for file in ravine.export(run, onnx=tmp_path / "net.onnx", torch=tmp_path / "net.pt2"):
        assert file.parity.largest < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_dropout_goes_before_the_head_and_acts_in_training_only(name):
    plain, model, x = network(name), network(name), batch(4, 3, 32, 32)
    insert(model, "dropout(0.3)")
    assert list(plain.state_dict()) == list(model.state_dict())
    seen = []
    for one in (plain, model):
        with draws.seeded(5, 0, "forward"):
            seen.append(one.train()(x))
        one.load_state_dict(plain.state_dict())
        seen.append(one.eval()(x))
    assert not torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])


def test_two_members_with_regularization_vote_and_each_is_as_alone(tmp_path):
    settings = {**SMALL, "regularize": "dropout(0.3), stochastic_depth(0.2), label_smoothing(0.1), l2(1e-4)"}
    run = ravine.train(arrays(), out=tmp_path, members=2, forward="loop", **settings)
    each = run.best.each(raw())
    assert each.shape == (2, 32, 3)
    assert not np.array_equal(each[0], each[1])
    np.testing.assert_allclose(run.best.probabilities(raw()), each.mean(0), rtol=0, atol=1e-6)
    alone = ravine.train(arrays(), out=tmp_path, name="alone", first_member=1, **settings)
    for name, tensor in alone.last.tensors.items():
        assert torch.equal(tensor, run.last.tensors[f"member01/{name}"]), name


# torch has no way of its own to run attention for several members at once, and says that vmap will be slow
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")
@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_efficientnet", "test_convnext"])
def test_all_ways_forward_give_the_same(name):
    people, x = Population(lambda k: network(name, seed=k), 2), batch(2, 4, 3, 32, 32)
    way, _ = fastest_way(people, x)
    assert way in ("loop", "wide", "vmap")
    people.train(False)
    torch.testing.assert_close(forward(people, way)(x), forward(people, "loop")(x), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(forward(people, "vmap")(x), forward(people, "loop")(x), rtol=1e-3, atol=1e-4)


def test_equal_seeds_give_equal_weights_others_others_and_the_callers_generator_stays():
    before = torch.get_rng_state()
    first, again, other = (network("test_vit", seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    assert torch.equal(before, torch.get_rng_state())
