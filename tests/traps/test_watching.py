"""A run says each trap once: in the console and its log, in summary.json, in its results, and again from its folder."""

import json
import shutil

import numpy as np
import pytest
from sick_trainings import digits

import ravine
from ravine import data
from ravine.cli.results_table import print_results
from ravine.cli.trap_lines import print_traps
from ravine.runs.watching import facts_of, traps_of
from ravine.traps import found

SMALL = {"model": "mlp(hidden=[16])", "batch": 32, "quiet": True, "device": "cpu", "val": 0.2}
X, Y = digits()
TWICE = (np.concatenate([X[:150]] * 2), np.concatenate([Y[:150]] * 2))


def warnings_of(run):
    return [line for line in run.folder.log.read_text().splitlines() if line.startswith("warning: epoch")]


def test_a_leak_is_said_once_and_everywhere(tmp_path, capsys):
    run = ravine.train(TWICE, out=tmp_path, epochs=2, **SMALL)
    (trap,) = traps_of(run.folder)
    assert (trap.name, trap.epoch, trap.remedy) == ("leak", 1, "--folds 5")
    assert "150 of 300 images are copies of others" in trap.evidence
    assert warnings_of(run) == [f"warning: epoch 1: {trap}"]
    assert str(trap)[:40] in " ".join(capsys.readouterr().err.split())
    (told,) = run.summary["traps"]
    assert told == {"name": trap.name, "epoch": 1, "evidence": trap.evidence, "remedy": trap.remedy}
    print_results(run, as_json=False)
    assert "trap: leak (epoch 1): 150 of 300" in capsys.readouterr().out
    folds = ravine.train(TWICE, out=tmp_path, epochs=1, folds=5, **{**SMALL, "val": "auto"})
    assert traps_of(folds.folder) == ()  # the remedy is one: folds never part equal images


def test_not_again_after_a_resume(tmp_path):
    def stop(row):
        if row["epoch"] == 2 and not stop.__dict__:
            stop.done = True
            raise KeyboardInterrupt

    settings = {**SMALL, "epochs": 3, "optimizer": "sgd", "lr": 30.0, "observers": [stop]}
    with pytest.raises(KeyboardInterrupt):
        ravine.train(TWICE, out=tmp_path, **settings)
    run = ravine.train(TWICE, out=tmp_path, **settings)
    said = warnings_of(run)
    assert [trap.name for trap in traps_of(run.folder)] == ["leak", *[t["name"] for t in run.summary["traps"][1:]]]
    assert said == [f"warning: epoch {trap.epoch}: {trap}" for trap in traps_of(run.folder)]
    assert len(said) >= 2


def test_facts_are_read_from_the_folder(tmp_path):
    run = ravine.train(TWICE, out=tmp_path, epochs=1, augment="mixup", regularize="l2(1e-4)", **SMALL)
    facts = facts_of(run.folder)
    assert (facts.classes, facts.val, facts.test, facts.epochs) == (10, run.summary["best"]["val"]["n"], 0, 1)
    assert sum(facts.counts.values()) == 300 - facts.val
    assert facts.steps == -(-(300 - facts.val) // 32)
    assert facts.softened
    assert facts.images
    assert facts.used("regularize") == "l2(1e-4)"
    assert facts.data == "DATA"
    for name in ("data.json", "request.json"):  # an old or damaged folder
        (run.path / name).unlink()
    assert facts_of(run.folder).copies == {}
    (run.path / "recipe.toml").unlink()
    assert traps_of(run.folder) == ()


def test_rows_hold_what_the_traps_look_at(tmp_path):
    settings = {**SMALL, "model": "mlp(hidden=[16, 8])"}
    run = ravine.train((X[:300], Y[:300]), out=tmp_path, epochs=1, members=2, **settings)
    (row,) = run.metrics
    for name in ("dead_units", "gradient_flow"):
        members = [row[f"member{k:02d}/{name}"] for k in range(2)]
        assert row[name] == pytest.approx(np.mean(members))
    assert members[0] != members[1]
    assert row["vote/val/balanced_accuracy"] == run.summary["best"]["val"]["balanced_accuracy"]


def test_frozen_blocks_do_not_count(tmp_path):
    """Pretrained weights half dead: nothing is said while those blocks are frozen, and it is when they are trained."""
    run = ravine.train((X[:300], Y[:300]), out=tmp_path, epochs=1, name="first", **SMALL)
    maimed = tmp_path / "maimed"
    shutil.copytree(run.path, maimed)
    from ravine.checkpoints import weights_file

    tensors, about = weights_file.read(run.folder.best_weights)
    tensors["hidden.0.1.bias"][:12] = -50.0
    tensors["hidden.0.1.weight"][:12] = 0.0
    weights_file.write(maimed / "weights" / "best.safetensors", tensors, about)
    settings = {k: v for k, v in SMALL.items() if k != "model"} | {"out": tmp_path, "pretrained": str(maimed)}
    frozen = ravine.train((X[:300], Y[:300]), epochs=2, freeze="all but head", name="frozen", **settings)
    assert all("dead_units" not in row and "gradient_flow" not in row for row in frozen.metrics)
    assert traps_of(frozen.folder) == ()
    tuned = ravine.train((X[:300], Y[:300]), epochs=2, unfreeze_at=0.0, name="tuned", **settings)
    assert tuned.metrics[-1]["dead_units"] == 12 / 16
    (trap,) = traps_of(tuned.folder)
    assert (trap.name, trap.remedy) == ("dead units", "--keep none")


def test_at_most_three_lines():
    from io import StringIO

    from rich.console import Console

    for n, lines in ((0, 0), (1, 1), (3, 3), (5, 3)):
        out = StringIO()
        traps = [{"name": f"n{i}", "epoch": i, "evidence": "[b]x[/b]", "remedy": "--clip 1"} for i in range(n)]
        print_traps(traps, Console(file=out, soft_wrap=True))
        assert out.getvalue().count("\n") == lines
        assert n == 0 or "[b]x[/b]" in out.getvalue()
    assert "n2, n3, n4" in out.getvalue()


def test_rows_of_json_are_as_good(tmp_path):
    run = ravine.train(TWICE, out=tmp_path, epochs=1, **SMALL)
    rows = [json.loads(line) for line in run.folder.metrics.read_text().splitlines()]
    assert found(rows, facts_of(run.folder)) == traps_of(run.folder)
    assert data.load("digits").findings.copies == ()  # so that its own runs have no leak
