"""Features and probes of whole networks: who fits, who chooses, who judges, and what is written."""

import numpy as np
import pytest
import torch
from PIL import Image

import ravine
from ravine import data
from ravine.devices import device_named
from ravine.errors import DataError, SaveError, UsageError
from ravine.interval import wilson
from ravine.pretrained import start_from
from ravine.recipe import Recipe
from ravine.runs import probing
from ravine.runs.backbone import backbone
from ravine.runs.defaults import with_held_out
from ravine.runs.probe_parts import probe_parts
from ravine.transfer import features as features_at
from ravine.transfer import linear_probe, nearest_neighbours, pooled

SETTINGS = {"model": "mlp([24, 16])", "epochs": 3, "quiet": True, "device": "cpu"}
QUIET = {"quiet": True, "device": "cpu"}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Runs on the digits: with a test split, without one, and of three members on half of them."""
    place = tmp_path_factory.mktemp("runs")
    ravine.train("digits", name="tested", out=place, test=0.3, seed=3, **SETTINGS)
    ravine.train("digits", name="untested", out=place, **SETTINGS)
    split = data.load("digits").splits["train"]
    few = np.flatnonzero(split.y < 5)
    ravine.train((split.take(few), split.y[few]), name="members", out=place, members=3, **SETTINGS)
    return place


def photos(sizes=(90, 30, 60), classes=3, seed=0):
    """Gray images of 8 x 8 in splits, classes told apart by a bright row."""
    rng, arrays = np.random.default_rng(seed), {}
    for ending, n in zip(("", "_val", "_test"), sizes, strict=True):
        if n:
            y = np.arange(n) % classes
            x = rng.integers(0, 120, (n, 8, 8), np.uint8)
            x[np.arange(n), 2 * y] += 60
            arrays |= {f"x{ending}": x, f"y{ending}": y}
    return arrays


def test_features_are_what_the_block_gives(place):
    found = ravine.features(place / "tested", "digits", **QUIET)
    trained = ravine.load(place / "tested")
    split = data.load("digits").splits["train"]
    x = trained.normalize(torch.from_numpy(split.take(np.arange(len(split)))))
    with torch.no_grad():
        expected = pooled(features_at(trained.population.members[0], x, 2))
    np.testing.assert_allclose(found.x["train"], expected, atol=1e-5)
    assert found.x["train"].dtype == np.float32
    np.testing.assert_array_equal(found.y["train"], split.y)
    assert found.names["train"] == tuple(split.names)
    assert (found.block, found.width, found.classes) == ("hidden.1", 16, data.load("digits").classes)
    with torch.no_grad():
        logits = trained.population.members[0].head(torch.from_numpy(found.x["train"]))
    np.testing.assert_allclose(logits.softmax(1), trained.probabilities(split.take(np.arange(len(split)))), atol=1e-5)
    for block in ("hidden.0", "1"):
        assert ravine.features(place / "tested", "digits", block=block, **QUIET).width == 24
    assert ravine.features(ravine.Run(place / "tested"), "digits", block="hidden", **QUIET).width == 16


def test_what_is_written_is_a_data_set(place, tmp_path):
    found = ravine.features(place / "untested", photos(), **QUIET)
    found.save("features.npz")
    with np.load("features.npz") as saved:
        assert set(saved.files) == {"x", "y", "x_val", "y_val", "x_test", "y_test", "classes"}
        np.testing.assert_array_equal(saved["x_test"], found.x["test"])
        assert saved["x"].dtype == np.float32
    first = (tmp_path / "features.npz").read_bytes()
    ravine.features(place / "untested", photos(), **QUIET).save("features.npz")
    assert (tmp_path / "features.npz").read_bytes() == first
    run = ravine.train("features.npz", epochs=8, quiet=True, device="cpu")
    assert run.best.classes == ("0", "1", "2")
    assert run.summary["best"]["test"]["n"] == 60
    assert run.summary["best"]["test"]["accuracy"] > 0.6
    ravine.features(place / "untested", photos((90, 0, 0)), **QUIET).save("plain.npz")
    with np.load("plain.npz") as saved:
        assert set(saved.files) == {"x", "y", "classes"}
    for name, error, words in (("features.csv", UsageError, r"\.npz"), ("no/f.npz", SaveError, "cannot be written")):
        with pytest.raises(error, match=words):
            found.save(name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["features.npz", "plain.npz", "runs"]


def test_who_fits_chooses_and_judges_do_not_meet(place):
    digits = data.load("digits")
    tested = probe_parts(digits, Recipe(), start_from(str(place / "tested")), 0)
    cut, _ = with_held_out(digits, ravine.Run(place / "tested").recipe)
    for part, split in zip(tested.three, ("train", "val", "test"), strict=True):
        assert list(part.names) == list(cut.splits[split].names), "as in that very training"
    untested = probe_parts(digits, Recipe(), start_from(str(place / "untested")), 0)
    assert (tested.judged_on, untested.judged_on) == ("test", "val")
    cut, _ = with_held_out(digits, ravine.Run(place / "untested").recipe)
    assert list(untested.judge.names) == list(cut.splits["val"].names)
    assert sorted([*untested.fit.names, *untested.choose.names]) == sorted(cut.splits["train"].names)
    assert len(untested.choose) == pytest.approx(0.2 * len(cut.splits["train"]), rel=0.02)
    assert any("flattering" in note for note in untested.notes)
    other = probe_parts(data.load(photos((90, 0, 0))), Recipe(seed=1), start_from(str(place / "tested")), 0)
    assert (len(other.fit), len(other.choose), len(other.judge), other.notes) == (57, 15, 18, ())
    for parts in (tested, untested, other):
        names = [name for part in parts.three for name in part.names]
        assert len(names) == len(set(names))


def test_the_probe_is_put_together_from_its_pieces(place):
    dataset = photos()
    found = ravine.probe(place / "tested", dataset, block="all", **QUIET)
    assert [one.block for one in found.blocks] == ["hidden.0", "hidden.1"]
    assert [one.width for one in found.blocks] == [24, 16]
    assert (found.judged_on, found.n, found.fitted, found.choosing) == ("test", 60, 90, 30)
    features = ravine.features(place / "tested", dataset, block="1", **QUIET)
    x = {split: torch.from_numpy(rows) for split, rows in features.x.items()}
    y = {split: torch.from_numpy(labels) for split, labels in features.y.items()}
    for kind, fit in (("linear", linear_probe), ("neighbours", nearest_neighbours)):
        fitted = fit(x["train"], y["train"], x["val"], y["val"], 3)
        right = int((fitted.predict(x["test"]) == y["test"]).sum())
        share = getattr(found.blocks[0], kind)
        assert share.accuracy == pytest.approx(right / 60)
        assert share.interval == pytest.approx(wilson(right, 60))
    assert found.majority.accuracy == pytest.approx(1 / 3)
    assert found.blocks[0].linear.accuracy > 0.6
    alone = ravine.probe(place / "tested", dataset, **QUIET)
    assert [one.block for one in alone.blocks] == ["hidden.1"]
    assert alone.blocks[0].linear == found.blocks[1].linear
    plain = found.to_json()
    assert plain["blocks"][1]["linear"]["interval"] == found.blocks[1].linear.interval


def test_the_most_frequent_class_is_that_of_the_images_fitted_on(place):
    arrays = photos((90, 30, 60))
    arrays["y"] = np.repeat([0, 1, 2], [20, 60, 10])
    arrays["y_test"] = np.repeat([0, 1, 2], [36, 6, 18])
    found = ravine.probe(place / "tested", arrays, **QUIET)
    assert found.majority.accuracy == pytest.approx(0.1)


def test_labels_that_are_chance_are_not_found_in_the_features(place):
    """Nothing is chosen on the images that judge: with random labels they show chance, however many strengths."""
    arrays = photos((300, 300, 900))
    rng = np.random.default_rng(1)
    for name in ("y", "y_val", "y_test"):
        arrays[name] = rng.permutation(arrays[name])
    found = ravine.probe(place / "tested", arrays, **QUIET).blocks[0]
    for share in (found.linear, found.neighbours):
        assert abs(share.accuracy - 1 / 3) < 4 * np.sqrt(2 / 9 / 900)


def test_little_memory_only_takes_more_passes(place, monkeypatch):
    found = ravine.probe(place / "tested", photos(), block="all", **QUIET)
    monkeypatch.setattr(probing, "MOST_BYTES", 1)
    again = ravine.probe(place / "tested", photos(), block="all", **QUIET)
    assert [one.linear for one in again.blocks] == [one.linear for one in found.blocks]
    assert [one.neighbours for one in again.blocks] == [one.neighbours for one in found.blocks]


def test_of_several_members_one_is_taken_and_named(place):
    digits = data.load("digits")
    few = {"x": digits.splits["train"].take(np.arange(200)), "y": digits.splits["train"].y[:200]}
    first, second = (ravine.probe(place / "members", few, member=k, **QUIET) for k in (0, 1))
    assert first.notes[-1].startswith("member 0 of 3")
    assert second.notes[-1].startswith("member 1 of 3")
    assert not np.array_equal(
        ravine.features(place / "members", few, **QUIET).x["train"],
        ravine.features(place / "members", few, member=1, **QUIET).x["train"],
    )
    for member in (3, -1):
        with pytest.raises(UsageError, match="0 to 2"):
            ravine.probe(place / "members", few, member=member, **QUIET)


def test_the_caller_keeps_generators_and_images_keep_their_answers(place):
    torch.manual_seed(0)
    state = torch.get_rng_state()
    start, dataset = start_from(str(place / "tested")), data.load("digits")
    network = backbone(start, dataset.splits["train"], 0, device_named("cpu"))
    whole = network.features(dataset.splits["train"], [1, 2])
    part = network.features(dataset.splits["train"].part(np.arange(7)), [2])
    ravine.probe(place / "tested", photos(), **QUIET)
    assert torch.equal(torch.get_rng_state(), state)
    torch.testing.assert_close(part[0], whole[1][:7])
    assert network.widths(dataset.splits["train"]) == [24, 16]


def test_weights_that_are_no_numbers_are_named(place):
    start, dataset = start_from(str(place / "tested")), data.load("digits")
    network = backbone(start, dataset.splits["train"], 0, device_named("cpu"))
    next(network.network.parameters()).data.fill_(float("nan"))
    with pytest.raises(DataError, match=r"hidden\.0.*1,797 images"):
        network.features(dataset.splits["train"], [1])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"block": "hiden.0"}, UsageError, "Did you mean 'hidden.0'"),
        ({"block": "head"}, UsageError, "is what hidden.1 gives"),
        ({"block": "0"}, UsageError, "number from 1 to 2"),
        ({"block": "3"}, UsageError, "number from 1 to 2"),
        ({"weights": 7}, UsageError, "int is no pretrained network"),
        ({"weights": "nowhere"}, DataError, "nowhere"),
        ({"source": (np.zeros((9, 5), np.float32), np.arange(9) % 3)}, DataError, "expected"),
        ({"source": photos((3, 0, 0))}, DataError, "at least"),
        ({"source": photos((6, 3, 0), 3) | {"y": np.arange(6)}}, DataError, "set aside to choose by"),
        ({"size": 4}, UsageError, "--size"),
        ({"seed": -1}, UsageError, "--seed"),
    ],
)
def test_mistakes_are_one_line(change, error, words, place):
    given = {"weights": place / "tested", "source": "digits", **QUIET} | change
    with pytest.raises(error, match=words):
        ravine.probe(given.pop("weights"), given.pop("source"), **given)


def test_images_of_a_test_folder_alone_have_no_x(place, tmp_path):
    for label in ("a", "b"):
        (tmp_path / "photos" / "test" / label).mkdir(parents=True)
        Image.new("L", (8, 8), 9).save(tmp_path / "photos" / "test" / label / f"{label}.png")
    with pytest.raises(DataError, match="photos/test itself"):
        ravine.features(place / "tested", "photos", cache=tmp_path / "cache", **QUIET)
    found = ravine.features(place / "tested", "photos/test", cache=tmp_path / "cache", **QUIET)
    assert found.names["train"] == ("a/a.png", "b/b.png")
