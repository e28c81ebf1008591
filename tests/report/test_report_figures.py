"""The figures say what the report says, plotly accepts them, and names in them are only names."""

import html
import json

import numpy as np
import pytest
from made_up_reports import made_up

from ravine.colours import DARK, LIGHT
from ravine.report import figures
from ravine.report.figures_curves import curves
from ravine.report.figures_errors import errors
from ravine.report.figures_judged import confusion, reliability
from ravine.report.figures_seconds import times
from ravine.report.figures_theme import as_plotly, coloured, labels, merged, plain

ALL = (curves, confusion, reliability, errors, times)
HOSTILE = ("<b>bold</b>", "&lt;", "$x^2$", "%{x}<extra>", "$accent", "{{7*7}}", "a" * 200, "x<br>y", "&#60;")


def traces(figure, **wanted):
    return [one for one in figure["data"] if all(one.get(key) == value for key, value in wanted.items())]


def test_curves_are_the_rows():
    report = made_up()
    drawn = curves(report)
    for name, column, axis in (("validation", "val/accuracy", "y"), ("training", "train/loss", "y2")):
        (line,) = traces(drawn, name=name, yaxis=axis)
        assert line["x"] == list(range(1, 13))
        assert line["y"] == [row[column] for row in report.rows]
    (rate,) = traces(drawn, yaxis="y3")
    assert rate["y"] == [row["lr"] for row in report.rows]


def test_accuracies_that_differ_little_have_ticks_that_differ():
    assert curves(made_up())["layout"]["yaxis"]["tickformat"] == "~%", "99% and 99.5%, not 99% and 100%"


def test_the_best_epoch_is_marked_on_the_validation_curve():
    report = made_up()
    (ring,) = traces(curves(report), name="best epoch")
    best = report.best_epochs[0]
    assert ring["x"] == [best]
    assert ring["y"] == [max(row["val/accuracy"] for row in report.rows)]
    assert {shape["x0"] for shape in curves(report)["layout"]["shapes"]} == {best}


def test_members_are_thin_and_what_predicts_is_thick():
    report = made_up(members=5)
    drawn = curves(report)
    (vote,) = traces(drawn, name="validation, the vote", yaxis="y")
    assert vote["y"] == [row["vote/val/accuracy"] for row in report.rows]
    (thin,) = traces(drawn, legendgroup="validation", yaxis="y", showlegend=False)
    assert thin["line"]["width"] < vote["line"]["width"] / 3
    apart = [None if y is None else (x, y) for x, y in zip(thin["x"], thin["y"], strict=True)]
    for k in range(5):
        own = [(row["epoch"], row[f"member{k:02d}/val/accuracy"]) for row in report.rows]
        assert apart[13 * k : 13 * k + 13] == [*own, None]
    (rings,) = traces(drawn, name="best epoch")
    for k, (epoch, height) in enumerate(zip(rings["x"], rings["y"], strict=True)):
        assert height == max(row[f"member{k:02d}/val/accuracy"] for row in report.rows)
        assert epoch == report.best_epochs[k]


def test_while_a_sweep_has_not_chosen_nothing_is_thick():
    report = made_up("training", 7, members=4, sweep="lr=[0.1, 1]", voters=(), best_epochs=(), accuracies=())
    drawn = curves(report)
    for axis in ("y", "y2"):
        assert {one["line"]["width"] for one in traces(drawn, yaxis=axis)} == {0.9}
    assert [one["name"] for one in traces(drawn, showlegend=True)] == ["training", "training, clean", "validation"]
    assert traces(drawn, name="best epoch") == []
    (rate,) = traces(drawn, yaxis="y3")  # all have it
    assert rate["y"] == [row["lr"] for row in report.rows]
    as_plotly(drawn)
    first = curves(made_up("training", 1, members=4, sweep="lr=[0.1, 1]", voters=(), best_epochs=(), accuracies=()))
    assert {one["mode"] for one in first["data"]} == {"lines+markers"}  # a line of one point is not to be seen


def test_the_winners_of_a_sweep_are_thick_and_have_the_rings():
    report = made_up(members=4, sweep="lr=[0.1, 1]", winner="lr=1", voters=(1, 3), best_epochs=(5, 9))
    drawn = curves(report)
    own = [[row[f"member{k:02d}/val/accuracy"] for row in report.rows] for k in (1, 3)]
    (thick,) = traces(drawn, name="validation, lr=1", yaxis="y")
    assert thick["y"] == [*own[0], None, *own[1], None]
    assert thick["x"] == [*range(1, 13), None, *range(1, 13), None]
    (ring,) = traces(drawn, name="best epoch")
    assert (ring["x"], ring["y"]) == ([5, 9], [own[0][4], own[1][8]])
    assert not any("vote" in one["name"] or "mean" in one["name"] for one in drawn["data"])


def test_a_lost_members_gaps_and_a_first_epoch_can_be_drawn():
    report = made_up(epoch=1, state="training", members=2)
    report.rows[0]["member01/val/accuracy"] = None
    as_plotly(curves(report))
    (one,) = traces(curves(made_up(epoch=1, state="training")), name="validation", yaxis="y")
    assert one["mode"] == "lines+markers"


@pytest.mark.parametrize("number", [3, 30])
def test_every_cell_of_the_confusion_matrix_is_drawn_once(number):
    report = made_up(classes=tuple(f"class {i}" for i in range(number)))
    there = np.zeros((number, number), int)
    counts = np.zeros((number, number), int)
    for trace in confusion(report)["data"]:
        shown = np.array([[z is not None for z in row] for row in trace["z"]])
        there += shown
        assert ((np.array(trace["text"]) != "") == shown).all()
        counts[shown] = np.array(trace["text"])[shown].astype(int)
    np.testing.assert_array_equal(there, report.judged.confusion > 0)
    np.testing.assert_array_equal(counts, report.judged.confusion)
    right = [trace for trace in confusion(report)["data"] if "recognised" in trace["hovertemplate"]]
    diagonal = [max(trace["z"][i][i] or 0 for trace in right) for i in range(number)]
    np.testing.assert_allclose(diagonal, report.judged.recall, atol=1e-4)


def test_names_beside_the_confusion_matrix_take_the_room_they_need():
    """Of a fixed size, and shorter on a phone, where long names would leave no room for the cells."""
    drawn, few = confusion(made_up(classes=("a" * 200, "b" * 200))), confusion(made_up())
    layout, narrow = drawn["layout"], drawn["narrow"]
    assert not layout["xaxis"]["automargin"]
    assert not layout["yaxis"]["automargin"]
    assert narrow["margin"]["l"] + narrow["margin"]["r"] < 200 < layout["margin"]["l"] + layout["margin"]["r"] < 400
    assert few["layout"]["margin"]["l"] + few["layout"]["margin"]["r"] < 70
    assert narrow["xaxis"]["tickvals"] == drawn["data"][0]["x"]
    assert max(map(len, narrow["xaxis"]["ticktext"])) == 12


def test_reliability_has_wilsons_intervals():
    bins = made_up().judged.reliability
    (points,) = reliability(made_up())["data"]
    kept = bins.count > 0
    np.testing.assert_allclose(points["x"], bins.confidence[kept])
    np.testing.assert_allclose(points["y"], bins.accuracy[kept])
    up, down, y = (np.array(v) for v in (points["error_y"]["array"], points["error_y"]["arrayminus"], points["y"]))
    assert (y + up <= 1 + 1e-9).all()
    assert (y - down >= -1e-9).all()
    assert (up + down > 0).all()
    assert np.argmax(points["marker"]["size"]) == np.argmax(bins.count[kept])


def test_bars_are_the_seconds_of_each_epoch():
    report = made_up()
    drawn = times(report)["data"]
    heights = np.sum([bar["y"] for bar in drawn], 0)
    np.testing.assert_allclose(heights, [sum(epoch.values()) for epoch in report.seconds.epochs])


def test_thumbnails_say_what_is_confused():
    report = made_up()
    drawn = errors(report)["layout"]
    assert len(drawn["images"]) == len(report.mistakes.confident)
    first = report.mistakes.confident[0]
    assert first.predicted in drawn["annotations"][0]["text"]
    assert first.true in drawn["annotations"][0]["text"]


@pytest.mark.parametrize("figure", ALL)
@pytest.mark.parametrize("changes", [{}, {"members": 3}, {"state": "training", "epoch": 0}, {"classes": HOSTILE}])
def test_plotly_takes_them_and_no_name_of_a_colour_is_left(figure, changes):
    made = figure(made_up(**changes))
    drawn = as_plotly(made)
    for colours in (LIGHT, DARK):
        said = json.dumps(coloured(made, colours))
        assert '"$' not in said
    assert "template" in drawn.layout
    assert json.loads(json.dumps(made, allow_nan=False)) == json.loads(json.dumps(made))


def test_notebooks_get_the_same():
    report = made_up(members=3)
    drawn = figures.curves(report)
    assert [list(trace.y) for trace in drawn.data] == [trace["y"] for trace in curves(report)["data"]]
    for name in ("confusion", "reliability", "errors", "times"):
        assert len(getattr(figures, name)(report).data) > 0


@pytest.mark.parametrize("name", HOSTILE)
def test_plotly_reads_nothing_in_a_name(name):
    made = plain(name)
    assert html.unescape(made) == name
    assert not set("<>$%{}") & set(made)
    assert made.replace("&#", "").count("&") == 0


def test_labels_are_short_and_differ():
    long = "photos of the " + "very " * 20
    made = labels((f"{long}one", f"{long}one", "a", f"x{long}one"))
    assert len(set(made)) == 4
    assert max(map(len, made)) < 30


def test_settings_of_a_phone_reach_into_the_layout():
    base = {"xaxis": {"domain": [0, 0.5], "title": "x"}, "height": 3}
    assert merged(base, {"xaxis": {"domain": [0, 1]}, "height": 4}) == {
        "xaxis": {"domain": [0, 1], "title": "x"}, "height": 4
    }  # fmt: skip
    assert base["xaxis"]["domain"] == [0, 0.5]
