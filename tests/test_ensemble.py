"""Joined networks: each sees with its own eyes, classes meet by name, and the file is the ensemble."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import ravine
from ravine import data
from ravine.checkpoints import weights_file
from ravine.ensembles import vote
from ravine.errors import DataError, UsageError

Y = np.array(["ape", "bee", "cat"])[np.arange(90) % 3]
SETTINGS = {"epochs": 1, "quiet": True, "device": "cpu"}


def pixels(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """gray: 8 x 8; colour: 12 x 12 in three channels; pair: two members, 8 x 8; turned: gray's classes turned."""
    out = tmp_path_factory.mktemp("runs")
    made = {
        "gray": ((pixels(90, 8, 8), Y), {"model": "mlp([8])"}),
        "colour": ((pixels(90, 12, 12, 3, seed=1), Y), {"model": "convnet(width=4)"}),
        "pair": ((pixels(90, 8, 8), Y), {"model": "mlp([6])", "members": 2, "forward": "loop"}),
    }
    for name, (source, settings) in made.items():
        ravine.train(source, out=out, name=name, **SETTINGS, **settings)
    turned = {"x": pixels(90, 8, 8), "y": 2 - np.arange(90) % 3, "classes": np.array(["cat", "bee", "ape"])}
    ravine.train(turned, out=out, name="turned", model="mlp([5])", **SETTINGS)
    return {name: ravine.load(out / name) for name in (*made, "turned")}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    for i in range(12):
        path = folder / "test" / Y[i] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(10, 14, 3, seed=i)).save(path)
        train = folder / "train" / Y[i] / f"{i}.png"
        train.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(10, 14, 3, seed=100 + i)).save(train)
    return folder


def by_name(predictions):
    return [dict(zip(one.classes, one.probabilities, strict=True)) for one in predictions]


def test_each_part_sees_an_image_with_its_own_preprocessing(networks, photos):
    parts = [networks[name] for name in ("gray", "colour", "turned")]
    both = ravine.Ensemble(parts)
    files = sorted((photos / "test").rglob("*.png"))
    alone = [by_name(part.predict(photos / "test", top=3)) for part in parts]
    together = both.predict(photos / "test", top=3)
    assert [one.name for one in together] == [str(file) for file in files]
    for i, found in enumerate(by_name(together)):
        for name in ("ape", "bee", "cat"):
            assert found[name] == pytest.approx(np.mean([a[i][name] for a in alone]), rel=1e-5)


def test_answers_are_those_of_each_part_with_classes_in_one_order(networks, photos):
    parts = [networks[name] for name in ("turned", "colour", "pair")]
    joined = ravine.Ensemble(parts)
    seen = joined.open(photos)
    answers = joined.answers(seen, "test")
    assert joined.classes == ("cat", "bee", "ape")
    assert answers.names == ("turned", "colour", "pair 00", "pair 01")
    assert [joined.classes[y] for y in answers.labels] == [
        file.parent.name for file in sorted((photos / "test").rglob("*.png"))
    ]
    rows = 0
    for part in parts:
        own = part.answers(part.open(photos), "test")
        order = [part.classes.index(name) for name in joined.classes]
        for k in range(own.members):
            np.testing.assert_array_equal(answers.probabilities[rows], own.probabilities[k][:, order])
            rows += 1


def test_the_score_is_that_of_the_answers(networks, photos):
    joined = ravine.Ensemble([networks["gray"], networks["colour"]], [3, 1])
    seen = joined.open(photos)
    score, answers = joined.evaluate(seen, "test"), joined.answers(seen, "test")
    p = vote(answers.probabilities, np.array([3, 1]))
    assert score.vote_accuracy == (p.argmax(1) == answers.labels).mean()
    assert score.vote_loss == pytest.approx(-np.log(p[np.arange(12), answers.labels]).mean(), rel=1e-5)
    assert score.accuracy == tuple(answers.correct.mean(1))
    assert networks["gray"].evaluate(networks["gray"].open(photos), "test").vote_accuracy == score.accuracy[0]


def test_one_network_joined_is_itself(networks, photos):
    for name in ("gray", "pair"):
        alone, joined = networks[name], ravine.Ensemble([networks[name]])
        x = data.examples(pixels(5, 8, 8), "x")
        np.testing.assert_array_equal(joined.probabilities(x), alone.probabilities(x))
        assert by_name(joined.predict(photos)) == by_name(alone.predict(photos))
        a, b = joined.evaluate(joined.open(photos), "test"), alone.evaluate(alone.open(photos), "test")
        assert (a.confusion == b.confusion).all()
        assert (a.vote_loss, a.ece) == pytest.approx((b.vote_loss, b.ece), rel=1e-5)


def test_arrays_are_brought_to_each_part(networks):
    joined = ravine.Ensemble([networks["gray"], networks["colour"]])
    x = pixels(4, 8, 8)
    alone = [np.array([[p[c] for c in joined.classes] for p in by_name(n.predict(x, top=3))]) for n in joined.parts]
    np.testing.assert_allclose(joined.probabilities(data.examples(x, "x")), np.mean(alone, 0), rtol=1e-5)
    assert len(joined.predict(x)) == 4
    assert len(joined.predict(pixels(9, 9, 3))) == 1


@pytest.mark.parametrize(
    ("given", "shares"),
    [
        (None, None),
        ([2, 2], [0.5, 0.25, 0.25]),
        ([3, 1], [0.75, 0.125, 0.125]),
        ([1, 2, 1], [0.25, 0.5, 0.25]),
        ([1, 1, 1], None),
    ],
)
def test_weights_are_for_networks_or_for_members(networks, given, shares):
    joined = ravine.Ensemble([networks["gray"], networks["pair"]], given)
    assert (joined.weights is None) if shares is None else joined.weights.tolist() == pytest.approx(shares)


def test_a_weight_of_zero_leaves_out(networks):
    joined = ravine.Ensemble([networks["gray"], networks["colour"], networks["pair"]], [1, 0, 0, 3])
    assert joined.names == ("gray", "pair 01")
    assert joined.weights.tolist() == [0.25, 0.75]
    x = data.examples(pixels(5, 8, 8), "x")
    first, second = networks["gray"].probabilities(x), networks["pair"].each(x)[1]
    np.testing.assert_allclose(joined.probabilities(x), (first + 3 * second) / 4, rtol=1e-5)
    told = [[p[c] for c in joined.classes] for p in by_name(joined.predict(x, top=3))]
    np.testing.assert_allclose(told, (first + 3 * second) / 4, rtol=1e-5)


def test_labels_are_in_the_order_of_the_first_network_even_where_it_is_left_out(networks, photos):
    joined = ravine.Ensemble([networks["turned"], networks["gray"]], [0, 1])
    answers = joined.answers(joined.open(photos), "test")
    assert joined.classes == ("cat", "bee", "ape")
    alone = networks["gray"].evaluate(networks["gray"].open(photos), "test")
    assert answers.correct.mean() == alone.vote_accuracy
    names = [file.parent.name for file in sorted((photos / "test").rglob("*.png"))]
    assert [joined.classes[y] for y in answers.labels] == names


def test_a_part_left_out_leaves_the_others_their_own_sight(networks, photos):
    whole = ravine.Ensemble([networks["gray"], networks["colour"]])
    seen, chosen = whole.open(photos), ravine.Ensemble([whole], [0, 1])
    alone = networks["colour"].answers(networks["colour"].open(photos), "test")
    np.testing.assert_array_equal(chosen.answers(seen, "test").probabilities, alone.probabilities)


def test_ensembles_of_ensembles_keep_their_shares(networks, photos):
    inner = ravine.Ensemble([networks["gray"], networks["turned"]], [3, 1])
    outer = ravine.Ensemble([inner, networks["colour"]], [1, 1])
    assert outer.weights.tolist() == pytest.approx([0.375, 0.125, 0.5])
    equal = ravine.Ensemble([ravine.Ensemble([networks["gray"], networks["turned"]]), networks["colour"]])
    assert equal.weights is None
    flat = ravine.Ensemble([networks["gray"], networks["turned"], networks["colour"]])
    assert by_name(equal.predict(photos)) == by_name(flat.predict(photos))


@pytest.mark.parametrize("weights", [None, [2, 1, 1]])
def test_the_file_is_the_ensemble(networks, photos, tmp_path, weights):
    joined = ravine.Ensemble([networks["gray"], networks["turned"], networks["pair"]], weights)
    joined.save(tmp_path / "joined.safetensors")
    again = ravine.load(tmp_path / "joined.safetensors")
    assert isinstance(again, ravine.Ensemble)
    assert (again.names, again.classes) == (joined.names, joined.classes)
    assert again.about == joined.about
    assert by_name(again.predict(photos)) == by_name(joined.predict(photos))
    third = ravine.Ensemble([again, networks["colour"]])
    assert third.names == (*joined.names, "colour")


def test_the_file_keeps_the_order_of_classes_of_a_network_that_was_left_out(networks, tmp_path):
    joined = ravine.Ensemble([networks["turned"], networks["gray"]], [0, 1])
    joined.save(str(tmp_path / "joined.safetensors"))
    again, x = ravine.load(tmp_path / "joined.safetensors"), data.examples(pixels(5, 8, 8), "x")
    assert again.classes == joined.classes == ("cat", "bee", "ape")
    np.testing.assert_array_equal(again.probabilities(x), joined.probabilities(x))


def test_runs_and_paths_are_networks_and_tensors_are_arrays(networks, tmp_path):
    run = ravine.train((pixels(90, 8, 8), Y), out=tmp_path, name="r", model="mlp([4])", **SETTINGS)
    x = pixels(5, 8, 8)
    for given in (run, run.path, str(run.path), run.best):
        assert by_name(ravine.Ensemble([given, networks["gray"]]).predict(x)) == by_name(
            ravine.Ensemble([run.best, networks["gray"]]).predict(torch.from_numpy(x))
        )
    for wrong, words in ((run, "Run is no list"), ("r", "str is no list"), ([3], "int is no network")):
        with pytest.raises(UsageError, match=words):
            ravine.Ensemble(wrong)


def test_a_file_that_does_not_describe_an_ensemble(networks, tmp_path):
    joined = ravine.Ensemble([networks["gray"], networks["turned"]])
    tensors = {f"part00/{name}": t for name, t in networks["gray"].tensors.items()}
    for about in (joined.about, {**joined.about, "parts": 3}, {**joined.about, "weights": [1, 2, 3]}, {"parts": []}):
        weights_file.write(tmp_path / "bad.safetensors", tensors, about)
        with pytest.raises(DataError, match="does not describe"):
            ravine.load(tmp_path / "bad.safetensors")


def test_some_members_are_a_network_of_their_own(networks):
    pair, x = networks["pair"], data.examples(pixels(5, 8, 8), "x")
    for members in ([1], [1, 0]):
        taken = pair.of(members)
        np.testing.assert_array_equal(taken.each(x), pair.each(x)[members])
        for name in ("epochs", "scores", "identities", "places"):
            assert taken.about[name] == [pair.about[name][k] for k in members]
    before = pair.each(x)
    with torch.no_grad():
        pair.of([0]).population.weights.zero_()
    np.testing.assert_array_equal(pair.each(x), before)


def test_tta_reaches_every_part(networks, photos):
    joined = ravine.Ensemble([networks["gray"], networks["colour"]])
    seen = joined.open(photos)
    mean = np.mean([n.answers(n.open(photos), "test", "flip").probabilities[0] for n in joined.parts], 0)
    np.testing.assert_allclose(joined.answers(seen, "test", "flip").vote, mean, rtol=1e-5)


def test_what_cannot_be_joined(networks, tmp_path):
    other = ravine.train(
        (pixels(60, 8, 8), np.array(["ape", "cow"])[np.arange(60) % 2]), out=tmp_path, model="mlp([4])", **SETTINGS
    )
    floats = ravine.train((pixels(60, 8, 8) / 255, Y[:60]), out=tmp_path, name="floats", model="mlp([4])", **SETTINGS)
    with pytest.raises(UsageError, match="without bee, cat and with cow"):
        ravine.Ensemble([networks["gray"], other.best])
    with pytest.raises(UsageError, match="one of .* sees images, the other arrays"):
        ravine.Ensemble([networks["gray"], floats.best])
    with pytest.raises(UsageError, match="no networks"):
        ravine.Ensemble([])
    for weights in ([1], [1, 2, 3, 4], [0, 0], [-1, 2], [np.nan, 1], [np.inf, 1]):
        with pytest.raises(UsageError, match="weights"):
            ravine.Ensemble([networks["gray"], networks["pair"]], weights)


def test_an_unreadable_image_is_named_and_the_others_are_predicted(networks, photos, tmp_path: Path):
    joined = ravine.Ensemble([networks["gray"], networks["colour"]])
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    found = joined.predict([bad, next((photos / "test").rglob("*.png"))])
    assert found[0].error
    assert not found[1].error
