"""The report as a whole: chosen on validation, scored on test, in numbers, words, charts and a page."""

import json
import re
import warnings
from html import unescape

import numpy as np
import pytest

from ravine.checkpoints.records import dumps
from ravine.cli.ensemble_table import print_ensemble
from ravine.ensembles import (
    Answers,
    Costs,
    brier,
    error_correlation,
    gain,
    log_losses,
    reliability,
    report,
    temperature,
    tempered,
    vote,
)
from ravine.ensembles.report_page import chart, page
from ravine.errors import UsageError
from ravine.interval import wilson

HOSTILE = '<img src=x onerror="alert(1)">'
COSTS = Costs(parameters=(10, 10, 30), training=1.5, images=256, one=0.01, all=0.05, device="cpu")


def saying(members=3, n=300, seed=0, names=()):
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (members, n, 4)) + rng.normal(0, 1, (1, n, 4))
    logits[:, :, 0] += 1
    p = np.exp(2 * logits)
    return Answers((p / p.sum(2, keepdims=True)).astype(np.float32), np.zeros(n, np.int64), names)


@pytest.fixture
def found():
    return report(saying(seed=1), saying(seed=2), COSTS)


def test_every_number_is_that_of_its_piece(found):
    val, test = saying(seed=1), saying(seed=2)
    p = vote(test.probabilities)
    right = int((p.argmax(1) == test.labels).sum())
    assert found.vote.accuracy == right / 300
    assert found.vote.interval == wilson(right, 300)
    assert found.vote.loss == pytest.approx(log_losses(p, test.labels).mean())
    assert found.vote.brier == brier(p, test.labels)
    assert found.vote.ece == reliability(p, test.labels).ece == found.before.ece
    t = temperature(vote(val.probabilities), val.labels)
    assert found.vote.temperature == t > 1, "members were made too sure"
    assert found.vote.ece_after == reliability(tempered(p, t), test.labels).ece == found.after.ece
    assert [one.accuracy for one in found.each] == pytest.approx(test.correct.mean(1).tolist())
    assert found.mean.loss == pytest.approx(np.mean([one.loss for one in found.each]))
    assert found.best == val.correct.mean(1).argmax()
    assert found.over_mean["accuracy"] == gain(test)
    ranking = np.argsort(-val.correct.mean(1), kind="stable").tolist()
    assert found.over_best["loss"] == gain(test, ranking, score="log_loss")
    assert (found.error_correlation == error_correlation(test)).all()
    assert (found.split, found.n, found.notes) == ("test", 300, ())


def test_the_best_member_is_chosen_on_validation_and_not_on_test():
    p, labels = np.zeros((2, 4, 2)), np.zeros(4, np.int64)
    p[0] = [[0.9, 0.1]] * 3 + [[0.2, 0.8]]
    p[1] = [[0.8, 0.2]] * 2 + [[0.2, 0.8]] * 2
    val, test = Answers(p, labels), Answers(p[::-1], labels)
    assert report(val, test).best == 0
    assert report(test, val).best == 1
    tied = Answers(np.stack([p[0], np.array([[0.95, 0.05]] * 3 + [[0.2, 0.8]])]), labels)
    assert report(tied, test).best == 1, "the lower loss decides"


def test_without_test_validation_does_both_and_the_report_says_so():
    found = report(saying(), None)
    assert found.split == "val"
    assert "flattering" in found.notes[0]
    assert found.costs is None


def test_without_validation_nothing_is_chosen():
    found = report(None, saying())
    assert found.best is found.over_best is found.vote.temperature is found.after is None
    assert "best" not in found.verdict
    assert found.to_json()["gain"]["over_best"] is None
    page(found)


def test_the_verdict_says_first_what_a_person_wants_to_know(found):
    of = found.over_mean["accuracy"]
    (low, high), (least, most) = (100 * np.array(bounds) for bounds in (of.images, of.trainings))
    said = f"3 members: {found.vote.accuracy:.1%}, the mean member {found.mean.accuracy:.1%} ({100 * of.value:+.1f} "
    said += f"points; 95% for these networks {low:.1f} to {high:.1f}, for new trainings {least:.1f} to {most:.1f}), "
    said += f"the member that is best on validation {found.each[found.best].accuracy:.1%} ("
    assert found.verdict.startswith(said)


def test_no_number_of_members_is_worth_it_where_the_vote_loses_to_the_best_member():
    val, test = saying(members=6, n=2000, seed=1), saying(members=6, n=2000)
    assert "nine tenths" in report(val, test).verdict
    p = np.full((1, 2000, 4), 0.01)
    p[:, :, 0] = 0.97
    better = [Answers(np.concatenate([p, of.probabilities]), of.labels) for of in (val, test)]
    found = report(*better)
    assert found.over_best["accuracy"].value < 0
    assert "nine tenths" not in found.verdict


def test_enough_members_reach_nine_tenths_of_the_gain():
    found = report(None, saying(members=6, n=2000))
    means = [size.accuracy.mean() for size in found.sizes]
    assert means[found.enough - 1] - means[0] >= 0.9 * (means[-1] - means[0])
    assert means[found.enough - 2] - means[0] < 0.9 * (means[-1] - means[0])
    assert f"{found.enough} members reach nine tenths" in found.verdict


def test_json_holds_plain_numbers(found):
    plain = json.loads(dumps(found.to_json()))
    assert plain["vote"]["accuracy"] == found.vote.accuracy
    assert [row["members"] for row in plain["by_members"]] == [1, 2, 3]
    assert [row["subsets"] for row in plain["by_members"]] == [3, 3, 1]
    assert plain["gain"]["over_mean"]["accuracy"]["images"] == list(found.over_mean["accuracy"].images)
    assert sum(plain["reliability"]["before"]["count"]) == 300
    assert plain["costs"]["parameters"] == [10, 10, 30]


def test_weights_go_everywhere(found):
    weights = np.array([4.0, 1.0, 1.0])
    val, test = saying(seed=1), saying(seed=2)
    weighted = report(val, test, weights=weights)
    p = vote(test.probabilities, weights)
    assert weighted.vote.loss == pytest.approx(log_losses(p, test.labels).mean()) != found.vote.loss
    assert weighted.sizes[-1].log_loss[0] == pytest.approx(weighted.vote.loss, rel=1e-6)
    assert weighted.over_mean["accuracy"] == gain(test, weights=weights)
    assert weighted.weights == pytest.approx((2 / 3, 1 / 6, 1 / 6))


def test_two_members_and_one_image_are_enough_and_one_member_is_not():
    found = report(saying(2, 1), saying(2, 1))
    assert found.over_mean["accuracy"].trainings is None
    page(found)
    chart(found)
    for val, test in ((saying(1), None), (None, None)):
        with pytest.raises(UsageError, match="2 members or more"):
            report(val, test)


def test_the_page_is_one_file_without_scripts_and_names_are_escaped():
    text = page(report(saying(seed=1, names=(HOSTILE, "b", "c")), saying(seed=2, names=(HOSTILE, "b", "c")), COSTS))
    assert HOSTILE not in text
    assert "&lt;img src=x" in text
    assert "<script" not in text
    assert "default-src 'none'" in unescape(text)
    assert not re.search(r"(src|href)=\"(?!data:,)", text)
    assert not re.search(r" style=", text), "the policy would block it"


def test_the_chart_has_a_dot_for_each_member_and_a_point_for_each_number(found):
    text = chart(found)
    assert text.startswith("<svg")
    assert text.count('class="member"') == 3
    assert text.count('class="on"') == 3
    assert f"vote {found.vote.accuracy:.1%}" in text
    assert f"best on validation {found.each[found.best].accuracy:.1%}" in text


def test_many_members_have_a_page(found):
    text = page(report(None, saying(members=40, n=50)))
    assert text.count('class="member"') == 40
    assert len(text) < 1_000_000


def test_members_that_are_no_trainings_of_their_own_say_nothing_of_new_trainings():
    rng = np.random.default_rng(0)
    answers = Answers(rng.dirichlet(np.ones(3), (4, 200)), rng.integers(0, 3, 200))
    free, bound = report(answers, answers), report(answers, answers, independent=False)
    assert free.over_mean["accuracy"].trainings
    for gains in (bound.over_mean, bound.over_best):
        assert all(one.trainings is None for one in gains.values())
    assert bound.over_mean["accuracy"].images == free.over_mean["accuracy"].images


def test_answers_that_cannot_be_scored_are_refused():
    lost = saying()
    lost.probabilities[1, 5] = np.nan
    empty = saying().rows(np.array([], int))
    for val, test, weights, words in (
        (saying(2), saying(3), None, "the same members"),
        (None, lost, None, "probabilities of member01 are not finite"),
        (saying(), empty, None, "no examples"),
        (None, saying(), [1, 2, 0], "above 0"),
        (None, saying(), [1, 2], "weights"),
    ):
        with pytest.raises(UsageError, match=words):
            report(val, test, weights=weights)
    assert report(None, saying(), weights=[2, 1, 1]).weights == (0.5, 0.25, 0.25)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report(None, saying(), weights=[1, 1e-50, 1e-50])


def test_numbers_are_never_shortened_in_a_narrow_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    names = ("cifar10-convnet-width48-aug", "n" * 60, "c")
    found = report(
        saying(seed=1, names=names), saying(seed=2, names=names), COSTS, weights=np.array([2.0, 1, 1])
    ).to_json()
    print_ensemble(found)
    said = capsys.readouterr().out
    assert said.count("…") == sum(name == names[1] for name in (*names, found["best_member"]["name"])), "the long name"
    for row in (found["vote"], *found["each"]):
        low, high = (100 * bound for bound in row["accuracy_interval"])
        numbers = [f"{row['accuracy']:.1%} ({low:.1f} to {high:.1f})", f"{row['loss']:.3f}", f"{row['brier']:.3f}"]
        numbers.append(f"{row['expected_calibration_error_after']:.1%} at {row['temperature']:.2f}")
        assert any(all(number in line for number in numbers) for line in said.splitlines())
    assert "weights of the vote: cifar10-convnet-width48-aug 0.5, " in said
    assert "training    1.5 s for all members, 0.5 s a member" in said
    found["costs"] |= {"training": 0.16, "trained": 4}
    print_ensemble(found)
    assert "0.2 s for the pool of 4 members, 40 ms a member" in capsys.readouterr().out


def test_a_temperature_at_an_end_is_marked(capsys):
    p = np.tile([0.6, 0.4], (2, 50, 1))
    print_ensemble(report(Answers(p, np.zeros(50, int)), Answers(p, np.zeros(50, int))).to_json())
    assert "at 0.05 (limit)" in capsys.readouterr().out
