"""Pretrained weights through timm's own loaders, without a network: the cache is enough, and trusted with nothing."""

import pickle

import pytest
import torch
from hub_cache import offline, put
from timm_networks import network

timm = pytest.importorskip("timm", reason="timm is not installed: make test-timm")
pytestmark = pytest.mark.timm
ASKED = """
import json, sys, torch
from ravine.errors import RavineError
from ravine.models import timm_weights
before, answers = torch.get_rng_state(), []
for source in sys.argv[1:]:
    try:
        found = timm_weights(source)
    except RavineError as error:
        answers.append([type(error).__name__, str(error)])
    else:
        norm = sum(t.double().norm().item() for t in found.state.values() if t.is_floating_point())
        answers.append([found.model, found.name, found.mean, found.std, found.input_size, norm, len(found.state)])
assert torch.equal(before, torch.get_rng_state())
print(json.dumps(answers))
"""
SAID = {"architecture": "test_resnet", "num_classes": 7}
SAID["pretrained_cfg"] = {"input_size": [3, 96, 96], "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.6, 0.7], "num_classes": 7}


class Hostile:
    """Pickled, it asks to write a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def its_state(classes, seed=0):
    return network("test_resnet", classes=classes, seed=seed).state_dict()


def norm_of(state):
    return sum(t.double().norm().item() for t in state.values() if t.is_floating_point())


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What is found for each source, all asked in one process, since starting timm takes seconds."""
    home = tmp_path_factory.mktemp("hub")
    put(home, "timm/test_resnet.r160_in1k", its_state(1000))
    put(home, "somebody/birds", its_state(7, seed=1), SAID)
    put(home, "somebody/unlisted", its_state(7), {**SAID, "architecture": "subprocess.run"})
    put(home, "somebody/deeper", its_state(7), {**SAID, "model_args": {"block": "os.system", "img_size": 96}})
    put(home, "somebody/other", network("test_vit", classes=7, in_shape=(3, 160, 160)).state_dict(), SAID)
    put(home, "somebody/odd", its_state(7), {**SAID, "pretrained_cfg": {"mean": "import os", "num_classes": 7}})
    put(
        home,
        "somebody/flat",
        its_state(7),
        {**SAID, "pretrained_cfg": {**SAID["pretrained_cfg"], "std": [0.5, 0, 0.5]}},
    )
    elsewhere = {"url": "http://0.0.0.0/x", "file": "/etc/passwd", "hf_hub_filename": "x.bin", "custom_load": True}
    put(home, "somebody/elsewhere", its_state(7), {**SAID, "pretrained_cfg": {**SAID["pretrained_cfg"], **elsewhere}})
    put(home, "somebody/empty", None, SAID)
    spoiled = put(home, "somebody/spoiled", None, SAID)
    (spoiled / "model.safetensors").write_bytes(b"\x80\x04cos\nsystem\n")
    pickled = put(home, "somebody/pickled", None, SAID)
    (pickled / "pytorch_model.bin").write_bytes(pickle.dumps({"fc.weight": Hostile(home / "ran")}, protocol=2))
    sources = ["timm:test_resnet", "timm:test_resnet.r160_in1k", "hf-hub:timm/test_resnet.r160_in1k", "timm:resnet18"]
    sources += [
        f"hf-hub:somebody/{name}" for name in ("birds", "unlisted", "deeper", "other", "odd", "flat", "elsewhere")
    ]
    sources += ["hf-hub:somebody/empty", "hf-hub:somebody/spoiled", "hf-hub:somebody/pickled"]
    sources += ["hf-hub:somebody/nothing", "timm:vit_base_patch16"]
    found = dict(zip(sources, offline(home, ASKED, *sources), strict=True))
    assert not (home / "ran").exists(), "nothing of a pickle is executed"
    return found


@pytest.mark.parametrize("source", ["timm:test_resnet", "timm:test_resnet.r160_in1k"])
def test_a_name_of_timms_list_comes_from_the_cache_with_its_own_normalisation(answers, source):
    model, name, mean, std, size, norm, tensors = answers[source]
    own = timm.models.get_pretrained_cfg("test_resnet.r160_in1k")
    assert (model, name) == ('timm("test_resnet")', "timm:test_resnet.r160_in1k")
    assert (
        (tuple(mean), tuple(std), tuple(size))
        == (own.mean, own.std, own.input_size)
        == (own.mean, own.std, (3, 160, 160))
    )
    assert mean != [0.485, 0.456, 0.406], "this one's are not ImageNet's"
    assert norm == pytest.approx(norm_of(its_state(1000)), rel=1e-12)
    assert tensors == len(its_state(1000))


@pytest.mark.parametrize("source", ["hf-hub:somebody/birds", "hf-hub:somebody/elsewhere"])
def test_a_repository_says_its_own_and_nothing_of_where_else_to_look(answers, source):
    seed = 1 if source.endswith("birds") else 0
    model, name, mean, std, size, norm, _ = answers[source]
    assert (model, name) == ('timm("test_resnet")', source)
    assert (mean, std, size) == ([0.1, 0.2, 0.3], [0.5, 0.6, 0.7], [3, 96, 96])
    assert norm == pytest.approx(norm_of(its_state(7, seed)), rel=1e-12)


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("timm:resnet18", "DataError", "cannot be fetched, and is not in the cache. Connect to the network once"),
        ("hf-hub:somebody/nothing", "DataError", "cannot be fetched, and is not in the cache"),
        ("hf-hub:somebody/empty", "DataError", "cannot be fetched, and is not in the cache"),
        ("hf-hub:timm/test_resnet.r160_in1k", "DataError", "cannot be fetched"),  # without its config.json
        ("hf-hub:somebody/unlisted", "UsageError", "timm has no network 'subprocess.run'"),
        ("hf-hub:somebody/deeper", "UsageError", "differs from timm's own in block"),
        (
            "hf-hub:somebody/other",
            "DataError",
            "cannot be fetched or read (RuntimeError: Error(s) in loading state_dict",
        ),
        ("hf-hub:somebody/odd", "DataError", "cannot be fetched or read (ValueError"),
        ("hf-hub:somebody/flat", "DataError", "std (0.5, 0.0, 0.5)"),
        ("hf-hub:somebody/spoiled", "DataError", "cannot be fetched or read (SafetensorError"),
        ("hf-hub:somebody/pickled", "DataError", "cannot be fetched or read (RuntimeError: weights_only=True blocked"),
        ("timm:vit_base_patch16", "UsageError", "There are vit_base_patch16_18x2_224, "),
    ],
)
def test_what_cannot_be_had_is_one_line(answers, source, kind, words):
    found, line = answers[source]
    assert found == kind
    assert words in line
    assert line.startswith(source)
    assert "\n" not in line


def test_the_weights_of_a_repository_are_those_of_the_network_that_ravine_builds(tmp_path):
    state = its_state(1000)
    put(tmp_path, "timm/test_resnet.r160_in1k", state)
    code = """
import json, sys, torch
from ravine.models import timm_weights
torch.save(timm_weights("timm:test_resnet").state, sys.argv[1])
print("{}")
"""
    offline(tmp_path, code, str(tmp_path / "found.pth"))
    found = torch.load(tmp_path / "found.pth", weights_only=True)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
