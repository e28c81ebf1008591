"""Fine-tuning timm's networks: from a state dict saved locally and from timm's cache; frozen blocks stay bit-equal."""

import numpy as np
import pytest
import torch
from hub_cache import offline, put
from safetensors.torch import save_file
from timm_networks import TWO_STEPS, arrays, batch, network

import ravine
from ravine.transfer.blocks import blocks

pytest.importorskip("timm", reason="timm is not installed: make test-timm")
pytestmark = pytest.mark.timm
SMALL = {**TWO_STEPS, "lr": 0.05}


def saved(folder, name, classes=5, in_shape=(3, 32, 32)):
    """A random network of timm's, as anybody would save it, with statistics that are not 0 and 1."""
    model = network(name, in_shape, classes, seed=9)
    for seed in range(2):
        model.train()(batch(8, *in_shape, seed=seed))
    state = model.state_dict()
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, folder / f"{name}.safetensors")
    return folder / f"{name}.safetensors", state


def of_blocks(name, wanted):
    """The names of all parameters and buffers in these blocks."""
    row = blocks(network(name))
    return [entry for block in row if wanted(block.name) for entry in (*block.parameters, *block.buffers)]


@pytest.mark.parametrize("augment", ["none", "translate(2)"])
@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_100", "vit_tiny_patch16_224"])
def test_frozen_blocks_are_bit_equal_after(name, augment, tmp_path):
    path, before = saved(tmp_path, name)
    settings = {**SMALL, "augment": augment, "freeze": "all but head", "epochs": 1}
    run = ravine.train(arrays(), out=tmp_path, pretrained=str(path), model=f'timm("{name}")', **settings)
    after, kept = run.last.tensors, of_blocks(name, lambda block: block != "head")
    persistent = [entry for entry in kept if entry in before]
    assert len(persistent) > 40
    for entry in persistent:
        assert torch.equal(after[entry], before[entry]), entry
    head = of_blocks(name, lambda block: block == "head")
    assert all(after[entry].shape[0] == 3 for entry in head if entry.endswith(("fc.weight", "classifier.weight")))


def test_the_first_blocks_frozen_the_rest_trained(tmp_path):
    path, before = saved(tmp_path, "mobilenetv3_small_100")
    settings = {**SMALL, "freeze": "first 3", "unfreeze_at": 0, "regularize": "dropout(0.3)"}
    run = ravine.train(arrays(), out=tmp_path, pretrained=str(path), model='timm("mobilenetv3_small_100")', **settings)
    row = blocks(network("mobilenetv3_small_100"))
    frozen = {entry for block in row[:3] for entry in (*block.parameters, *block.buffers)}
    for entry, tensor in run.last.tensors.items():
        if entry in frozen:
            assert torch.equal(tensor, before[entry]), entry
    trained = {entry for block in row[3:-1] for entry in block.parameters}
    assert sum(not torch.equal(run.last.tensors[entry], before[entry]) for entry in trained) > 0.9 * len(trained)


def test_head_first_then_all_and_a_resume_in_between_is_bit_identical(tmp_path):
    path, before = saved(tmp_path, "test_resnet")
    settings = {**SMALL, "epochs": 3, "unfreeze_at": 0.5, "members": 2, "pretrained": str(path)}
    settings["model"] = 'timm("test_resnet")'

    def stop(row):
        if row["epoch"] == 1:
            raise KeyboardInterrupt

    whole = ravine.train(arrays(), out=tmp_path, name="whole", **settings)
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays(), out=tmp_path, name="resumed", observers=[stop], **settings)
    resumed = ravine.train(arrays(), out=tmp_path, name="resumed", **settings)
    for entry, tensor in whole.last.tensors.items():
        assert torch.equal(tensor, resumed.last.tensors[entry]), entry
    assert not torch.equal(whole.last.tensors["member00/conv1.0.weight"], before["conv1.0.weight"])


def test_another_networks_weights_are_refused(tmp_path):
    path, _ = saved(tmp_path, "test_resnet")
    with pytest.raises(ravine.errors.RavineError, match="not weights of timm") as refusal:
        ravine.train(arrays(), out=tmp_path, pretrained=str(path), model='timm("mobilenetv3_small_100")', **SMALL)
    assert "\n" not in str(refusal.value)


def test_what_a_local_file_is_normalised_by_is_asked_for(tmp_path):
    path, _ = saved(tmp_path, "test_resnet")
    settings = {**SMALL, "epochs": 1, "pretrained": str(path), "model": 'timm("test_resnet")'}
    half = ravine.train(arrays(), out=tmp_path, name="half", normalize="half", **settings)
    assert half.best.normalize.mean == (127.5, 127.5, 127.5)
    plain = ravine.train(arrays(), out=tmp_path, name="plain", **settings)
    assert plain.best.normalize.mean == pytest.approx((0.485 * 255, 0.456 * 255, 0.406 * 255)), "ImageNet's"


def test_timms_own_weights_bring_their_size_and_normalisation(tmp_path):
    """In a process of its own, with the cache of a machine that has the weights and without a network."""
    put(
        tmp_path,
        "timm/test_resnet.r160_in1k",
        network("test_resnet", classes=1000, in_shape=(3, 160, 160)).state_dict(),
    )
    np.savez(tmp_path / "insects.npz", **arrays(side=40))
    code = """
import json, sys
import ravine
settings = {"epochs": 1, "batch": 16, "val": 0.5, "augment": "none", "device": "cpu", "freeze": "all but head"}
run = ravine.finetune("timm:test_resnet", sys.argv[1], out=sys.argv[2], **settings)
print(json.dumps([run.best.in_shape, run.best.normalize.mean, run.best.normalize.std, run.recipe.model]))
"""
    said = offline(tmp_path, code, str(tmp_path / "insects.npz"), str(tmp_path / "runs"))
    assert said == [[3, 160, 160], [127.5] * 3, [127.5] * 3, 'timm("test_resnet")']
