"""Runs beside each other: paired on the same images, and words that the interval allows."""

import re
from dataclasses import replace

import numpy as np
import pytest
from report_runs import rows_of, trained

from ravine.cli import main
from ravine.ensembles.difference import Difference, difference
from ravine.errors import UsageError
from ravine.report.comparison import Comparison, Paired, compare
from ravine.report.comparison_page import comparison_page
from ravine.report.figures_comparison import overlaid
from ravine.report.figures_theme import as_plotly
from ravine.runs.run import Run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A good one, a bad one, one without a test split."""
    out = tmp_path_factory.mktemp("runs")
    return [
        trained(out, name="good", test=0.2),
        trained(out, name="bad", test=0.2, lr=1e-5),
        trained(out, name="untested"),
    ]


def test_runs_are_compared_image_by_image(runs):
    found = compare(runs[:2])
    (pair,) = found.paired
    right = [np.array([r["true"] == r["predicted"] for r in rows_of(run) if r["split"] == "test"]) for run in runs[:2]]
    assert pair.split == "test"
    assert pair.n == len(right[0]) == found.accuracies[0].n
    assert pair.difference == difference(right[1], right[0])
    assert pair.difference.value == pytest.approx(found.accuracies[1].accuracy - found.accuracies[0].accuracy)
    assert pair.words == "worse"
    assert found.verdict == "bad is worse than good."
    assert ("lr", ("0.003", "1e-05")) in found.settings
    assert "seed" not in dict(found.settings)


def test_other_images_are_not_compared(runs):
    (pair,) = compare([runs[0], runs[2]]).paired
    assert pair.difference is None
    assert "not the same" in pair.words
    assert compare([runs[0], runs[2]]).verdict == "untested cannot be compared with good image by image."


def test_validation_serves_where_there_is_no_test(runs, tmp_path):
    other = trained(tmp_path, name="other", seed=0, lr=1e-5)
    (pair,) = compare([runs[2], other]).paired
    assert pair.split == "val"
    assert "flatters" in pair.note


def test_places_in_other_arrays_are_other_images(tmp_path):
    rng, y = np.random.default_rng(0), np.arange(80) % 2
    x = rng.normal(size=(80, 5))
    same = [trained(tmp_path, (x, y), name=name) for name in ("one", "again")]
    other = trained(tmp_path, (x[::-1].copy(), y), name="other")
    assert compare(same).paired[0].n > 0
    (pair,) = compare([same[0], other]).paired
    assert (pair.difference, pair.split) == (None, "")
    assert pair.words == "not compared: their images are places in arrays, and the data are not the same"


def test_a_sweep_is_drawn_by_its_winner(tmp_path):
    run = trained(tmp_path, name="swept", members=2, sweep="lr=[1e-4, 1e-2]")
    winner = run.summary["sweep"]["winner"]
    drawn = overlaid(compare([run, trained(tmp_path, name="plain")]))
    assert drawn["data"][0]["y"] == [row[f"member{winner:02d}/val/accuracy"] for row in run.metrics]


def test_notes_stand_in_the_console_too(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = trained(tmp_path, name="other", lr=1e-5)
    assert main(["report", str(runs[2].path), str(other.path)]) == 0
    assert "other: validation chose the epochs of both" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.012, 0.003, 0.021, "+1.2 points (+0.3 to +2.1)"),
        (0.0004, 0.0001, 0.0007, "+0.04 points (+0.01 to +0.07)"),
        (-0.0004, -0.0007, -0.000001, "-0.0400 points (-0.0700 to -0.0001)"),
        (0.0002, -0.0001, 0.0005, "+0.0 points (-0.0 to +0.1)"),
    ],
)
def test_a_difference_that_is_one_has_digits_enough(value, low, high, words):
    assert str(Difference(value, low, high)) == words


def test_a_run_that_has_not_finished_is_drawn_but_not_compared(runs, tmp_path):
    class Stops(Exception):
        pass

    def stop(row):
        raise Stops

    with pytest.raises(Stops):
        trained(tmp_path, name="halted", test=0.2, observers=[stop])
    found = compare([runs[0], Run(tmp_path / "halted")])
    assert found.paired[0].words == "not compared: halted has not finished"
    assert found.accuracies[1].split == "val"
    assert "halted" in comparison_page(found)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.001, 0.02, "better"),
        (-0.02, -0.001, "worse"),
        (-0.01, 0.02, "cannot be told apart"),
        (0, 0.02, "cannot be told apart"),
    ],
)
def test_words_are_those_of_the_interval(low, high, words):
    assert Paired("test", 100, Difference((low + high) / 2, low, high)).words == words


def test_the_verdict_groups_runs():
    pairs = [Paired("test", 9, Difference(d, d - 0.01, d + 0.01)) for d in (0.1, 0.2, -0.1, 0.0)]
    found = Comparison((), ("a", "b", "c", "d", "e"), (), tuple(pairs), ())
    assert found.verdict == "b and c are better than a; d is worse than a; e cannot be told apart from a."


def test_each_note_is_said_of_its_run(runs):
    found = compare(runs[:2])
    (pair,) = (replace(one, note="a note") for one in found.paired)
    three = {"names": ("a", "b", "c"), "reports": (*found.reports, found.reports[1])}
    text = comparison_page(replace(found, **three, accuracies=(found.accuracies * 2)[:3], paired=(pair, pair)))
    assert re.findall(r"<bdi>(\w)</bdi>: a note\.", text) == ["b", "c"]


def test_names_that_are_the_same_are_told_apart_by_their_paths(runs, tmp_path):
    trained(tmp_path, name="good", test=0.2, lr=1e-5)
    found = compare([runs[0], Run(tmp_path / "good")])
    assert found.names == (str(runs[0].path), str(tmp_path / "good"))


def test_curves_lie_on_one_chart(runs):
    drawn = overlaid(compare(runs))
    as_plotly(drawn)
    for run, i in zip(runs, range(0, 6, 2), strict=True):
        assert drawn["data"][i]["y"] == [row["val/accuracy"] for row in run.metrics]
        assert drawn["data"][i + 1]["y"] == [row["val/loss"] for row in run.metrics]
    assert len({trace["line"]["color"] for trace in drawn["data"]}) == 3


def test_the_page_says_it(runs):
    text = comparison_page(compare(runs[:2]))
    assert re.search(r"-\d+\.\d</strong></td><td class=\"soft\">-\d+\.\d to -\d+\.\d", text)
    assert "bad is worse than good" in text


def test_a_run_twice_or_alone_is_refused(runs):
    with pytest.raises(UsageError, match="is there twice"):
        compare([runs[0], Run(runs[0].path)])
    with pytest.raises(UsageError, match="one run only"):
        compare(runs[:1])


def test_the_command_writes_both(runs, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs[0].folder.report.unlink()
    assert main(["report", str(runs[0].path)]) == 0
    assert runs[0].folder.report.is_file()
    assert str(runs[0].folder.report) in capsys.readouterr().out
    assert main(["report", str(runs[0].path), str(runs[1].path)]) == 0
    assert "bad is worse than good" in capsys.readouterr().out
    assert (tmp_path / "comparison.html").is_file()
    assert main(["report", str(runs[0].path), "-o", "there.html"]) == 0
    assert (tmp_path / "there.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "no runs given"),
        (["nothing"], 3, "not a run folder"),
        (["{run}", "{run}"], 2, "is there twice"),
        (["{run}", "-o", "x.pdf"], 2, "expected .html"),
        (["{run}", "-o", "no/such/folder.html"], 4, "cannot be written"),
        (["{run}", "nothing"], 3, "not a run folder"),
    ],
)
def test_what_cannot_be_is_one_line(runs, tmp_path, monkeypatch, capsys, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    assert main(["report", *(a.format(run=runs[0].path) for a in arguments)]) == code
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
