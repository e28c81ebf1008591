"""`ravine ensemble` as a person uses it, and what `train --members` says at its end."""

import json
import shutil

import numpy as np
import pytest
from calling import called

import ravine
from ravine import data
from ravine.checkpoints.records import dumps
from ravine.cli import main
from ravine.ensembles import greedy
from ravine.runs import joining
from ravine.runs.unseen import unseen

TRAIN = ["--epochs", "6", "--batch", "16", "--lr", "0.02", "--device", "cpu", "--quiet", "--forward", "loop"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Runs on 600 digits with a test split of their own: small, wide, three members; seed is another seed."""
    place = tmp_path_factory.mktemp("place")
    digits = data.load("digits").splits["train"]
    x, y = digits.take(np.arange(600))[:, 0], digits.y[:600]
    np.savez(place / "own-test.npz", x=x[:400], y=y[:400], x_test=x[400:], y_test=y[400:])
    np.savez(place / "unsplit.npz", x=x, y=y)
    np.savez(place / "fresh.npz", x=x[::-1][:150], y=y[::-1][:150])
    for name, source, flags in (
        ("small", "own-test", ["--model", "mlp([8])"]),
        ("wide", "own-test", ["--model", "mlp([16])"]),
        ("three", "own-test", ["--model", "mlp([8])", "--members", "3"]),
        ("seed", "own-test", ["--model", "mlp([8])", "--seed", "5"]),
        ("cut", "unsplit", ["--model", "mlp([8])", "--test", "0.3"]),
        ("cut-too", "unsplit", ["--model", "mlp([12])", "--test", "0.3"]),
        ("cut-else", "unsplit", ["--model", "mlp([8])", "--test", "0.3", "--val", "0.1"]),
        ("cut-seed", "unsplit", ["--model", "mlp([8])", "--test", "0.3", "--seed", "5"]),
    ):
        command = ["train", str(place / f"{source}.npz"), *flags, *TRAIN, "--out", str(place), "--name", name]
        assert main(command) == 0
    return place


def test_training_members_ends_with_the_report(place, capsys):
    command = ["train", place / "own-test.npz", "--model", "mlp([8])", "--members", "3", *TRAIN, "--out", place]
    code, out, _ = called(capsys, *command, "--name", "three")
    assert code == 0
    summary = json.loads((place / "three" / "summary.json").read_text())["ensemble"]
    assert summary["verdict"] in out
    assert summary["vote"]["accuracy"] == json.loads((place / "three" / "summary.json").read_text())["accuracy"]
    assert (summary["scored_on"], summary["n"], summary["members"]) == ("test", 200, 3)
    assert summary["costs"]["training"] > 0
    for words in (
        "over mean member",
        "over best on validation",
        "disagree on",
        "images/s",
        "parameters",
        "temperature",
    ):
        assert words in out
    assert "ensemble" not in json.loads((place / "small" / "summary.json").read_text())


def test_a_run_of_several_members_is_judged_as_at_its_end(place, tmp_path, capsys):
    code, out, _ = called(
        capsys, "ensemble", place / "three", "-o", tmp_path / "report.json", "-o", tmp_path / "r.html"
    )
    assert code == 0
    kept = json.loads((place / "three" / "summary.json").read_text())["ensemble"]
    found = json.loads((tmp_path / "report.json").read_text())
    for name in ("gain", "disagreement", "error_correlation", "by_members", "reliability", "notes"):
        assert dumps(found[name]) == dumps(kept[name])
    for name in ("accuracy", "loss", "brier", "temperature", "loss_after"):
        assert found["vote"][name] == pytest.approx(kept["vote"][name], rel=1e-9)
    assert found["verdict"] in out
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")


def test_runs_and_files_of_different_models_are_joined(place, tmp_path, capsys):
    alone, joined = tmp_path / "alone.safetensors", tmp_path / "joined.safetensors"
    shutil.copy(place / "wide" / "weights" / "best.safetensors", alone)
    runs = [place / "small", alone, place / "three"]
    code, out, err = called(capsys, "ensemble", *runs, "--data", place / "own-test.npz", "-o", joined)
    assert code == 0, err
    assert "5 members" in out
    assert "test, n = 200" in out
    code, out, _ = called(capsys, "evaluate", joined, place / "own-test.npz", "--json")
    assert code == 0
    networks = [ravine.load(path) for path in runs]
    score = ravine.Ensemble(networks).evaluate(networks[0].open(place / "own-test.npz"), "test")
    assert json.loads(out)["accuracy"] == score.vote_accuracy
    code, out, _ = called(capsys, "info", joined)
    assert code == 0
    assert "mlp([16])" in out
    assert "3 of mlp([8])" in out
    assert "weights  equal" in out
    assert len(json.loads(called(capsys, "info", joined, "--json")[1])["parts"]) == 3


def test_weights_are_those_of_the_vote(place, tmp_path, capsys):
    runs = [place / "small", place / "wide"]
    called(capsys, "ensemble", *runs, "--weights", "3,1", "-o", tmp_path / "w.safetensors")
    assert ravine.load(tmp_path / "w.safetensors").weights.tolist() == [0.75, 0.25]
    _, out, _ = called(capsys, "ensemble", *runs, "--weights", "3,1", "--json")
    assert json.loads(out)["weights"] == [0.75, 0.25]


def test_nothing_that_is_there_is_lost(place, tmp_path, monkeypatch, capsys):
    joined, runs = tmp_path / "joined.safetensors", [place / "small", place / "wide"]
    assert called(capsys, "ensemble", *runs, "-o", joined)[0] == 0
    weights = place / "small" / "weights" / "best.safetensors"
    before = weights.read_bytes(), joined.read_bytes()
    monkeypatch.setattr("ravine.cli.ensemble._judged", lambda *_: pytest.fail("work was done"))
    good = ["-o", tmp_path / "good.html"]
    for source, out, code, words in (
        (runs, weights, 2, "belongs to a run"),
        ([joined, "--data", place / "own-test.npz"], joined, 2, "is one of the networks given"),
        (runs, tmp_path / "missing" / "x.svg", 4, "missing"),
    ):
        got, _, err = called(capsys, "ensemble", *source, *good, "-o", out)
        assert (got, err.count("\n")) == (code, 1), err
        assert words in err
    assert (weights.read_bytes(), joined.read_bytes()) == before
    assert not (tmp_path / "good.html").exists()


def test_the_same_network_by_another_path_is_noticed(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    for again in (place / "small", "small/weights/best.safetensors", "wide/../small"):
        code, _, err = called(capsys, "ensemble", "small", again)
        assert code == 2
        assert f"{again}: is there twice" in err
    assert called(capsys, "ensemble", "small", "small/weights/last.safetensors")[0] == 0


def test_files_come_before_the_print(place, tmp_path, monkeypatch, capsys):
    """Since a pipe may close while the report is printed."""
    written, out = [], tmp_path / "joined.safetensors"
    monkeypatch.setattr("ravine.cli.ensemble_table.print_ensemble", lambda _: written.append(out.is_file()))
    assert called(capsys, "ensemble", place / "small", place / "wide", "-o", out)[0] == 0
    assert written == [True]


def test_the_training_of_a_pool_is_counted_once(place, capsys):
    weights = place / "three" / "weights" / "last.safetensors"
    _, out, _ = called(capsys, "ensemble", place / "three", "--json")
    alone = json.loads(out)["costs"]["training"]
    _, out, _ = called(capsys, "ensemble", place / "three", weights, "--json")
    assert json.loads(out)["costs"]["training"] == alone
    names = [one["name"] for one in json.loads(out)["each"]]
    assert names == [f"three 0{k}" for k in range(3)] + [f"three last 0{k}" for k in range(3)]


def test_the_last_weights_can_be_asked_for(place, tmp_path, capsys):
    runs = [place / "small", place / "wide"]
    called(capsys, "ensemble", *runs, "--use", "last", "-o", tmp_path / "last.safetensors")
    assert [part.about["which"] for part in ravine.load(tmp_path / "last.safetensors").parts] == ["last", "last"]


def test_equal_cuts_are_shared_and_others_are_noticed(place, capsys):
    _, out, _ = called(capsys, "ensemble", place / "cut", place / "cut-too", "--json")
    found = json.loads(out)
    assert (found["scored_on"], found["n"], found["notes"]) == ("test", 180, [])
    assert found["best_member"]
    _, out, _ = called(capsys, "ensemble", place / "small", place / "seed", "--json")
    found = json.loads(out)
    assert (found["scored_on"], found["n"], found["best_member"]) == ("test", 200, None)
    assert "validation images of one were training images of another: only test" in found["notes"][0]
    _, out, _ = called(capsys, "ensemble", place / "cut", place / "cut-else", "--json")
    found = json.loads(out)
    assert (found["scored_on"], found["n"], found["best_member"]) == ("test", 180, None)


def test_the_images_that_are_scored_are_those_that_were_held_out(place, capsys):
    """Both cuts leave the same test images, and each run's own summary says how it did on them."""
    _, out, _ = called(capsys, "ensemble", place / "cut", place / "cut-else", "--json")
    for row, name in zip(json.loads(out)["each"], ("cut", "cut-else"), strict=True):
        assert row["accuracy"] == json.loads((place / name / "summary.json").read_text())["best"]["test"]["accuracy"]
    _, out, _ = called(capsys, "ensemble", place / "cut", place / "cut-seed", "--data", place / "fresh.npz", "--json")
    found = json.loads(out)
    assert (found["n"], found["best_member"]) == (150, None)
    assert "not the data that they were trained on" in found["notes"][0]


def test_where_no_image_is_unseen_there_is_a_file_but_no_report(place, tmp_path, capsys):
    runs = [place / "cut", place / "cut-seed"]
    code, _, err = called(capsys, "ensemble", *runs)
    assert code == 3
    assert "training images of another. Give --data" in err
    code, out, err = called(capsys, "ensemble", *runs, "-o", tmp_path / "joined.safetensors")
    assert code == 0
    assert "joined without a report" in err
    assert out == ""
    assert ravine.load(tmp_path / "joined.safetensors").names == ("cut", "cut-seed")


def test_greedy_selection_weighs_by_validation(place, tmp_path, capsys):
    runs, out = [place / "small", place / "three"], tmp_path / "chosen.safetensors"
    code, said, err = called(capsys, "ensemble", *runs, "--select", "greedy", "-o", out)
    assert code == 0, err
    assert "greedy selection took" in err
    assert " time)" in err or " times)" in err
    networks = [ravine.load(path) for path in runs]
    whole, chosen = ravine.Ensemble(networks), ravine.load(out)
    seen, _ = unseen(whole.parts, whole.open(place / "own-test.npz"))
    weights = greedy(whole.answers(seen, "val"))
    expected = {name: w for name, w in zip(whole.names, weights, strict=True) if w > 0}
    told = [1 / len(chosen.names)] * len(chosen.names) if chosen.weights is None else chosen.weights.tolist()
    assert dict(zip(chosen.names, told, strict=True)) == pytest.approx(expected)
    assert f"{len(expected)} members" in said


@pytest.mark.parametrize("how", ["uniform", "greedy"])
def test_a_soup_is_one_network(place, tmp_path, capsys, how):
    files = ["-o", tmp_path / "soup.safetensors", "-o", tmp_path / "soup.json"]
    code, said, err = called(capsys, "ensemble", place / "three", "--soup", how, *files)
    assert code == 0, err
    (note,) = json.loads((tmp_path / "soup.json").read_text())["notes"]
    assert note in said
    chosen = ravine.load(tmp_path / "soup.safetensors").about["soup"]
    assert "identities" not in ravine.load(tmp_path / "soup.safetensors").about, "it is no member"
    if len(chosen) == 1:
        assert f"no soup is better on validation than {chosen[0]} alone" in note
    else:
        assert f"{how} soup of {', '.join(chosen)}: " in note
        assert "their vote" in note
        assert "points (" in note
    soup, three = ravine.load(tmp_path / "soup.safetensors"), ravine.load(place / "three")
    assert soup.about["members"] == 1
    if how == "uniform":
        mean = three.population.weights.double().mean(0).float()
        np.testing.assert_allclose(soup.population.weights[0].numpy(), mean.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "no networks given"),
        (["small"], 2, "one member only; expected several networks"),
        (["small", "small"], 2, "is there twice"),
        (["small", "gone"], 3, "no such run folder"),
        (["small", "wide", "-o", "report.pdf"], 2, ".safetensors, .html"),
        (["small", "wide", "--weights", "1,x"], 2, "cannot be read"),
        (["small", "wide", "--weights", "1,2,3"], 2, "2 numbers"),
        (["small", "wide", "--weights", "1,2", "--select", "greedy"], 2, "no --weights"),
        (["three", "--soup", "uniform", "--select", "greedy"], 2, "no --weights, no --select"),
        (["small", "wide", "--soup", "uniform"], 2, "networks of different model"),
        (["small", "seed", "--select", "greedy"], 3, "no validation images"),
        (["small", "seed", "--soup", "uniform"], 2, "networks of different normalization"),
        (["small", "cut"], 2, "trained on different data"),
        (["small", "wide", "--data", "gone.npz"], 3, "gone.npz"),
        (["three", "--selct", "greedy"], 2, "Did you mean '--select'"),
        (["own-test.npz", "small"], 3, "own-test.npz"),
    ],
)
def test_whatever_is_wrong_gives_one_clear_line(place, monkeypatch, capsys, arguments, code, words):
    monkeypatch.chdir(place)
    before = sorted(place.iterdir())
    got, out, err = called(capsys, "ensemble", *arguments)
    assert got == code, err
    assert words in err
    assert err.count("\n") == 1
    assert out == ""
    assert sorted(place.iterdir()) == before


def test_a_file_alone_does_not_know_its_data(place, tmp_path, capsys):
    shutil.copy(place / "three" / "weights" / "best.safetensors", tmp_path / "alone.safetensors")
    code, _, err = called(capsys, "ensemble", tmp_path / "alone.safetensors")
    assert code == 2
    assert "does not say where its data is. Give --data" in err
    assert called(capsys, "ensemble", place / "three" / "weights" / "last.safetensors")[0] == 0


def test_where_one_member_is_best_alone_selection_says_so(place, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(joining, "greedy", lambda answers: np.eye(answers.members)[0])
    runs, outs = [place / "small", place / "three"], ["-o", tmp_path / "one.safetensors", "-o", tmp_path / "one.html"]
    code, out, err = called(capsys, "ensemble", *runs, "--select", "greedy", *outs, "--json")
    assert code == 0
    alone = json.loads((place / "small" / "summary.json").read_text())["best"]["test"]["accuracy"]
    assert f"took one of 4 members, alone best on validation: small (1 time); on test it has {alone:.1%}" in err
    assert json.loads(out) == {"members": 1, "names": ["small"]}
    assert ravine.load(tmp_path / "one.safetensors").names == ("small",)
    assert "one.html is not written: one member has no report" in err
    assert not (tmp_path / "one.html").exists()
