"""Pretrained weights of every origin as a start: what is recognised, said and refused, and what gets into a network."""

from pathlib import Path

import numpy as np
import pytest
import torch

import ravine
from ravine import building, data, draws
from ravine.cli import main
from ravine.errors import DataError, UsageError
from ravine.pretrained import as_trained, data_for, is_foreign, load_start, normalization_named, start_from
from ravine.pretrained.normalizing import IMAGENET
from ravine.pretrained.shapes import candidates

REFERENCE = Path(__file__).parents[3] / "shared" / "data" / "pretrained" / "resnet20-12fca82f.th"
QUICK = {"epochs": 1, "test": 0.3, "quiet": True, "device": "cpu"}
CONVNET = "convnet(width=4)"


def network(model, in_shape=(3, 32, 32), classes=5, seed=0):
    with draws.seeded(seed, 0, "init"):
        return building.network(model, in_shape, classes).eval()


def saved(path, model, in_shape=(3, 32, 32), classes=5, prefix=""):
    """A file of others' making: that network's weights."""
    state = network(model, in_shape, classes).state_dict()
    torch.save({prefix + name: tensor for name, tensor in state.items()}, path)
    return str(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("runs")
    ravine.train("digits", name="one", out=place, model=CONVNET, **QUICK)
    ravine.train("digits", name="two", out=place, model=CONVNET, members=2, first_member=5, **QUICK)  # cut alike
    ravine.train("digits", name="mlp", out=place, model="mlp([8])", **QUICK)
    for name, runs in (("alike", ("one", "two")), ("unlike", ("one", "mlp"))):
        out = place / f"{name}.safetensors"
        assert main(["ensemble", *(str(place / run) for run in runs), "-o", str(out)]) == 0
    return place


RECOGNISED = [
    ("resnet20", (3, 32, 32)),
    ("resnet20(width=8)", (3, 32, 32)),
    ("resnet32(width=4)", (3, 16, 16)),
    ("resnet44(width=4)", (1, 28, 28)),
    ("resnet56(width=4)", (3, 32, 32)),
    ("resnet110(width=4)", (3, 32, 32)),
    ("resnet(depth=18, width=16)", (3, 32, 32)),
    ("resnet(depth=34, width=16)", (3, 224, 224)),
    ("resnet(depth=18, width=16)", (1, 28, 28)),
    ("convnet", (3, 32, 32)),
    ("convnet(width=8)", (3, 32, 32)),
    ("convnet(width=4)", (1, 8, 8)),
    ("convnet(width=4)", (3, 128, 128)),
    ("mlp([12, 8])", (6,)),
    ("mlp([16])", (64,)),
]


@pytest.mark.parametrize(("model", "in_shape"), RECOGNISED, ids=str)
def test_our_models_are_recognised_with_their_settings(model, in_shape, tmp_path):
    images = len(in_shape) == 3
    how = "half" if images else "auto"
    start = start_from(saved(tmp_path / "w.pth", model, in_shape, classes=7, prefix="module."), normalize=how)
    found = network(start.model, in_shape, start.outputs)
    assert start.outputs == 7
    assert start.channels == (in_shape[0] if images else None)
    assert start.classes is None
    match = load_start(found, start, 0)
    assert (match.missing, match.left) == ((), ())
    x = torch.rand(2, *in_shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(found(x), network(model, in_shape, 7)(x))
    assert "recognised by names and shapes" in start.said[0]
    assert "the names stood behind 'module.'" in start.said


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("lost", "layer2.1.bn1.weight is missing"),
        ("more", "left over: layer4.weight"),
        ("other shape", "layer2.1.bn1.weight is [9], the network has [8]"),
    ],
)
def test_nothing_is_recognised_unless_every_name_and_shape_fits(change, what, tmp_path):
    state = network("resnet20(width=4)").state_dict()
    if change == "lost":
        del state["layer2.1.bn1.weight"]
    elif change == "more":
        state["layer4.weight"] = torch.ones(2)
    else:
        state["layer2.1.bn1.weight"] = torch.ones(9)
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(DataError) as refusal:
        start_from(str(tmp_path / "w.pth"))
    near = 116 if change == "more" else 115
    assert f"nearest is resnet20(width=4): {near} of 116 names fit; {what}" in str(refusal.value)
    assert "--model" in str(refusal.value)


def test_weights_of_no_network_of_ours_are_refused(tmp_path):
    torch.save({"some.weight": torch.ones(2, 2)}, tmp_path / "w.pth")
    with pytest.raises(DataError, match="weights of none of mlp, convnet, quicknet, resnet, resnet20") as refusal:
        start_from(str(tmp_path / "w.pth"))
    assert "names fit" not in str(refusal.value)


def test_names_that_attack_a_terminal_are_shown_escaped_and_short(tmp_path):
    state = {"\x1b[31mred\nline.weight": torch.ones(2), "\u202eevil": torch.ones(1), "x" * 400: torch.ones(1)}
    torch.save(network("resnet20(width=4)").state_dict() | state, tmp_path / "w.pth")
    start = start_from(str(tmp_path / "w.pth"), model="resnet20(width=4)")
    with pytest.raises(DataError) as refusal:
        start_from(str(tmp_path / "w.pth"), model="resnet20(width=8)")
    for line in (str(refusal.value), *start.said):
        assert line.isprintable()
        assert len(line) < 900
    assert any(r"\x1b[31mred\nline.weight" in line for line in start.said)


def test_an_mlp_of_many_layers_is_looked_at_once(tmp_path):
    """Each name is read once, however many layers there are."""
    deep = network("mlp([8, 8, 8])", (6,)).state_dict()
    looked = []

    class Name(str):
        __slots__ = ()

        def endswith(self, *given):
            looked.append(given)
            return super().endswith(*given)

    state = {Name(f"hidden.{i}.0.weight"): torch.ones(8, 8) for i in range(300)} | deep
    (found,) = [one for one in candidates(state) if one.name == "mlp"]
    assert len(found.settings["hidden"]) == 300
    assert len(looked) < 4 * len(state)


def test_weights_of_another_network_say_what_does_not_fit_and_what_was_meant(tmp_path):
    path = saved(tmp_path / "w.pth", "resnet32(width=4)")
    with pytest.raises(DataError):
        start_from(path, model="resnet20(width=4)")
    with pytest.raises(DataError) as refusal:
        start_from(path, model="resnet44(width=4)")
    line = str(refusal.value)
    assert "not weights of resnet44(width=4): 188 of 248 names fit; layer1.5.conv1.weight is missing" in line
    assert "Did you mean --model 'resnet32(width=4)'?" in line
    with pytest.raises(DataError, match=r"conv1.weight is \[4, 3, 3, 3\], the network has \[8, 3, 3, 3\]"):
        start_from(path, model="resnet32(width=8)")
    with pytest.raises(UsageError, match="Did you mean 'resnet"):
        start_from(path, model="resnet2")


def test_a_smaller_network_inside_a_larger_one_s_weights_is_refused(tmp_path):
    said = r"weights of resnet32\(width=4\), of which resnet20\(width=4\) does not have 72 tensors.*Did you mean"
    with pytest.raises(DataError, match=said):
        start_from(saved(tmp_path / "w.pth", "resnet32(width=4)"), model="resnet20(width=4)")


def test_counters_and_a_head_that_are_missing_are_said(tmp_path):
    state = {n: t for n, t in network("resnet20(width=4)").state_dict().items() if t.dim() and "linear" not in n}
    torch.save(state, tmp_path / "w.pth")
    start = start_from(str(tmp_path / "w.pth"), model="resnet20(width=4)")
    assert start.outputs == 0
    assert start.said[1] == "missing: 19 counters of batch norm (num_batches_tracked), which start at 0"
    assert start.said[2] == "missing: the head (linear.weight, linear.bias)"
    with pytest.raises(DataError, match="no head for the 10 classes"):
        as_trained(start, data_for(start, "digits"))


@pytest.mark.skipif(not REFERENCE.exists(), reason="resnet20-12fca82f.th is not beside this checkout")
def test_the_reference_file_is_known_by_sight():
    start = start_from(str(REFERENCE))
    assert (start.model, start.outputs, start.channels, start.sha256[:8]) == ("resnet20", 10, 3, "12fca82f")
    assert start.normalization == normalization_named("imagenet")
    assert any("since the file says nothing of it" in sentence for sentence in start.said)


def test_a_run_says_itself_what_it_is(place):
    for source in (place / "one", place / "one" / "weights" / "best.safetensors"):
        start = start_from(str(source))
        assert not is_foreign(str(source))
        assert (start.model, start.channels, start.in_shape, start.outputs) == (CONVNET, 1, (1, 8, 8), 10)
        assert start.classes == tuple("0123456789")
        assert len(start.states) == 1
        own = ravine.load(source)
        dataset = data_for(start, "digits")
        assert np.array_equal(
            as_trained(start, dataset).answers(dataset, "train").probabilities,
            own.answers(dataset, "train").probabilities,
        )


def test_what_export_wrote_is_taken_in_half_precision_too(place, tmp_path):
    out = tmp_path / "half.safetensors"
    assert main(["export", str(place / "one"), "-o", str(out), "--half"]) == 0
    start = start_from(str(out))
    assert {t.dtype for t in start.states[0].values() if t.is_floating_point()} == {torch.float32}
    whole = start_from(str(place / "one")).states[0]
    for name, tensor in start.states[0].items():
        torch.testing.assert_close(tensor, whole[name], rtol=1e-3, atol=1e-6)


def test_members_come_one_after_the_other_and_then_again(place):
    start = start_from(str(place / "two"))
    assert len(start.states) == 2
    for k in range(5):
        fresh = network(CONVNET, (1, 8, 8), 10)
        load_start(fresh, start, k)
        for name, tensor in fresh.state_dict().items():
            assert torch.equal(tensor, start.states[k % 2][name]), name
    first, second = (state["stem.0.0.weight"] for state in start.states)
    assert not torch.equal(first, second)


def test_joined_runs_of_one_kind_are_several_starts_and_of_different_kinds_none(place):
    start = start_from(str(place / "alike.safetensors"))
    apart = [*start_from(str(place / "one")).states, *start_from(str(place / "two")).states]
    assert len(start.states) == len(apart) == 3
    for mine, its in zip(start.states, apart, strict=True):
        assert all(torch.equal(mine[name], its[name]) for name in its)
    with pytest.raises(UsageError, match="joins networks of different model"):
        start_from(str(place / "unlike.safetensors"))


def test_a_run_s_own_words_stand(place):
    one = str(place / "one")
    assert start_from(one, model=CONVNET).model == CONVNET
    with pytest.raises(UsageError, match=r"--model resnet20: .*one is of convnet\(width=4\)"):
        start_from(one, model="resnet20")
    other = start_from(one, normalize="half")
    assert other.normalization.mean == (127.5,)
    assert "not as these weights were trained" in other.said[-1]


def test_blocks_that_are_not_kept_stay_new(place):
    start = start_from(str(place / "one"))
    fresh = network(CONVNET, (1, 8, 8), 10, seed=5)
    before = {name: tensor.clone() for name, tensor in fresh.state_dict().items()}
    kept = {name for name in before if name.startswith("stem")}
    match = load_start(fresh, start, 0, keep=kept)
    assert set(match.loaded) == kept
    for name, tensor in fresh.state_dict().items():
        assert torch.equal(tensor, start.states[0][name] if name in kept else before[name]), name


def test_a_head_for_other_classes_stays_new(place):
    start = start_from(str(place / "one"))
    match = load_start(network(CONVNET, (1, 8, 8), 3), start, 0)
    assert all("head" in name or "linear" in name or "fc" in name for name in match.missing)
    assert len(match.missing) == 2


@pytest.mark.parametrize(("made_for", "given", "kernel", "cure"), [(224, 32, 7, 224), (32, 100, 3, 32)])
def test_a_network_for_images_of_another_size_is_refused_with_the_cure(made_for, given, kernel, cure, tmp_path):
    model = "resnet(depth=18, width=16)"
    start = start_from(saved(tmp_path / "w.pth", model, (3, made_for, made_for)))
    said = rf"of another size: conv1.weight is \[16, 3, {kernel}, {kernel}\], .*--size {cure}$"
    with pytest.raises(DataError, match=said):
        load_start(network(model, (3, given, given)), start, 0)
    photos = {"x": np.zeros((20, 3, given, given), np.uint8), "y": np.arange(20) % 2}
    with pytest.raises(DataError, match=said):
        data_for(start, photos)  # before anything is said of a plan
    assert data_for(start, photos, size=cure).preprocessing.height == cure


def test_a_size_that_was_asked_for_may_suit_the_blocks_that_are_kept(tmp_path):
    start = start_from(saved(tmp_path / "w.pth", "resnet(depth=18, width=16)", (3, 224, 224)))
    photos = {"x": np.zeros((20, 3, 32, 32), np.uint8), "y": np.arange(20) % 2}
    data_for(start, photos, size=32)
    small = network(start.model, (3, 32, 32))
    match = load_start(small, start, 0, [name for name, _ in small.named_parameters() if name != "conv1.weight"])
    assert "layer1.0.conv1.weight" in match.loaded


def test_the_file_of_another_number_of_classes_is_not_scored(tmp_path):
    start = start_from(saved(tmp_path / "w.pth", "resnet20(width=4)", classes=7))
    with pytest.raises(DataError, match="7 outputs for the 10 classes of digits.*ravine finetune"):
        as_trained(start, data_for(start, "digits"))


@pytest.mark.parametrize(
    ("text", "mean", "std"),
    [
        ("imagenet", *IMAGENET),
        ("half", (0.5,) * 3, (0.5,) * 3),
        ("values([0.1, 0.2, 1], [0.3, 0.4, 0.5])", (0.1, 0.2, 1.0), (0.3, 0.4, 0.5)),
    ],
)
def test_a_normalisation_by_name_is_in_units_of_pixels(text, mean, std):
    found = normalization_named(text)
    assert found.mean == pytest.approx([255 * value for value in mean])
    assert found.std == pytest.approx([255 * value for value in std])
    assert normalization_named("data") is None


@pytest.mark.parametrize(
    ("text", "channels", "words"),
    [
        ("imagine", 3, "Did you mean 'imagenet'"),
        ("imagenet", 1, "3 channels for images of 1; expected 1 numbers each. For gray images: values([0.5], [0.5])"),
        ("half", None, "expected data for floats"),
        ("values([0.5], [0.5])", 3, "1 channels for images of 3"),
        ("values([0.5, 0.5], [0.5])", 2, "2 means and 1 deviations"),
        ("values([124, 116, 104], [58, 57, 57])", 3, "a list of numbers from 0 to 1"),
        ("values([0.5], [0])", 1, "std=[0]"),
        ("values(0.5, 0.5)", 1, "a list of numbers"),
        ("values([True], [0.5])", 1, "mean=[True]"),
        ("values([0.5])", 1, "std"),
        ("imagenet(3)", 3, "imagenet"),
    ],
)
def test_a_normalisation_that_cannot_be_is_refused_by_its_flag(text, channels, words):
    with pytest.raises(UsageError) as refusal:
        normalization_named(text, flag="--how", channels=channels)
    assert words in str(refusal.value)
    assert "--how" in str(refusal.value)


def test_gray_weights_that_say_nothing_ask_how_they_were_trained(tmp_path):
    path = saved(tmp_path / "w.pth", "resnet20(width=4)", (1, 28, 28))
    with pytest.raises(UsageError, match="--normalize: the weights are for gray images"):
        start_from(path)
    assert start_from(path, normalize="half").normalization.mean == (127.5,)


def test_images_are_brought_to_the_channels_of_the_weights(tmp_path):
    start = start_from(saved(tmp_path / "w.pth", CONVNET, (3, 8, 8), classes=10))
    dataset = data_for(start, "digits")
    assert dataset.splits["train"].shape == (3, 8, 8)
    images = dataset.splits["train"].take(np.arange(4))
    gray = data.load("digits").splits["train"].take(np.arange(4))
    assert np.array_equal(images, np.repeat(gray.reshape(4, 8, 8, 1), 3, 3).reshape(images.shape)) or np.array_equal(
        images, np.repeat(gray.reshape(4, 1, 8, 8), 3, 1)
    )


def test_the_network_as_it_is_gives_what_torch_gives(tmp_path):
    start = start_from(saved(tmp_path / "w.pth", "resnet20(width=4)", classes=10), normalize="half")
    dataset = data_for(start, "digits")
    answers = as_trained(start, dataset).answers(dataset, "train")
    x = torch.from_numpy(data.load("digits").splits["train"].take(np.arange(50))).float().reshape(50, 1, 8, 8)
    with torch.no_grad():
        logits = network("resnet20(width=4)", classes=10)((x.expand(-1, 3, -1, -1) - 127.5) / 127.5)
    np.testing.assert_allclose(answers.probabilities[0, :50], logits.softmax(1).numpy(), atol=1e-5)


def test_the_caller_s_generator_stays_untouched(place, tmp_path):
    path = saved(tmp_path / "w.pth", "resnet20(width=4)", classes=10)
    before = torch.get_rng_state()
    for source in (path, str(place / "two")):
        start = start_from(source)
        as_trained(start, data_for(start, "digits"))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(("model", "side"), [("resnet20", 32), ("resnet(depth=18, width=16)", None)])
def test_photos_are_brought_to_the_size_that_a_family_is_made_for(model, side, tmp_path):
    start = start_from(saved(tmp_path / "w.pth", model, (3, 224, 224)))
    rng = np.random.default_rng(0)
    large = {"x": rng.integers(0, 256, (20, 3, 60, 80), np.uint8), "y": np.arange(20) % 2}
    seen = data_for(start, large)
    assert (seen.preprocessing.height == side) == (side is not None)
    assert data_for(start, large, size=72).preprocessing.height == 72
    assert any(("32 x 32" if side else "not to one that the weights are used to") in line for line in start.said)
