"""The door to timm: closed with one line where timm is not there, and open for names in its own list only.

What needs timm itself is tested in tests/timm_door.
"""

import sys
from types import SimpleNamespace

import pytest

from ravine.errors import UsageError
from ravine.models import MODELS, timm_weights
from ravine.spec import build, parse


class _Models:
    """As much of timm as the door looks at."""

    @staticmethod
    def get_pretrained_cfg(name):
        heads = ("head", "head_dist") if "distilled" in name else "fc"
        return SimpleNamespace(classifier=heads, input_size=(3, 224, 224), fixed_input_size=False, tag="a1_in1k")

    @staticmethod
    def get_deprecated_models():
        return {"old_net": "resnet18.a1_in1k"}


def never(*_, **__):
    raise AssertionError("nothing may be built or fetched")


@pytest.fixture
def listed(monkeypatch):
    """A timm that lists three networks, and must not be asked for any."""
    names = ["resnet18", "deit_tiny_patch16", "deit_tiny_distilled_patch16"]
    tagged = {"resnet18": ["resnet18.a1_in1k", "resnet18.tv_in1k"]}
    timm = SimpleNamespace(__version__="1.0.31", models=_Models, create_model=never)
    timm.list_models, timm.list_pretrained = lambda: names, lambda name="resnet18": tagged.get(name, [])
    monkeypatch.setitem(sys.modules, "timm", timm)


def made(text, in_shape=(3, 32, 32)):
    return build(parse(text), MODELS, flag="--model", in_shape=in_shape, classes=3)


@pytest.mark.parametrize("ask", [lambda: made('timm("resnet18")'), lambda: timm_weights("timm:resnet18")])
def test_without_timm_one_line_says_what_to_install(monkeypatch, ask):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UsageError, match="timm is not installed") as refusal:
        ask()
    assert 'pip install "ravine[timm]"' in str(refusal.value)
    assert "torchvision has to fit torch" in str(refusal.value)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ModuleNotFoundError("No module named 'torchvision'", name="torchvision"), "timm needs torchvision"),
        (RuntimeError("operator torchvision::nms does not exist"), "timm does not start .operator torchvision::nms"),
    ],
)
def test_a_torchvision_that_does_not_fit_is_named(monkeypatch, error, words):
    def broken(name):
        raise error

    monkeypatch.setattr("ravine.models.timm_door.import_module", broken)
    with pytest.raises(UsageError, match=words):
        made('timm("resnet18")')


@pytest.mark.parametrize("version", ["0.9.16", "1.0.9", "1.0.26"])
def test_a_timm_that_unpickles_is_too_old(monkeypatch, version):
    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(__version__=version))
    with pytest.raises(UsageError, match=f"timm {version} is too old, 1.0.27 or newer"):
        made('timm("resnet18")')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('timm("reznet18")', "Did you mean 'resnet18'"),
        ('timm("deit_tiny")', "There are deit_tiny_patch16, deit_tiny_distilled_patch16$"),
        ('timm("resnet18.a1_in1k")', "names weights, not a network"),
        ('timm("hf-hub:timm/resnet18.a1_in1k")', "list_models"),
        ('timm("local-dir:/tmp/resnet18")', "no network"),
        ('timm("/tmp/resnet18")', "no network"),
        ('timm("../resnet18")', "no network"),
        ('timm("os.system")', "no network"),
        ('timm("")', "no network"),
        ("timm(5)", "no network 5"),
        ('timm(["resnet18"])', "no network"),
        ('timm("old_net")', "now called 'resnet18'"),
        ('timm("deit_tiny_distilled_patch16")', "several heads .head, head_dist.*Take deit_tiny_patch16"),
        ("timm", "name"),
        ('timm("resnet18", pretrained=true)', "no setting 'pretrained'"),
    ],
)
def test_only_what_stands_in_its_list_is_built(listed, text, words):
    with pytest.raises(UsageError, match=words):
        made(text)


def test_feature_arrays_are_refused(listed):
    with pytest.raises(UsageError, match="Use mlp for feature arrays"):
        made('timm("resnet18")', in_shape=(64,))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("timm:reznet18", "Did you mean 'resnet18'"),
        ("timm:", "no network ''"),
        ("timm:resnet18.a9", "expected timm:resnet18.a1_in1k, timm:resnet18.tv_in1k"),
        ("timm:deit_tiny_patch16", "no pretrained weights"),
        ("timm:local-dir:/tmp/x", "no network"),
        ("hf-hub:", "OWNER/NAME"),
        ("hf-hub:resnet18", "OWNER/NAME"),
        ("hf-hub:../../etc/passwd", "OWNER/NAME"),
    ],
)
def test_weights_that_are_not_there_are_refused_before_anything_is_fetched(listed, source, words):
    with pytest.raises(UsageError, match=words):
        timm_weights(source)
