"""The page says everything, in its order, and needs nothing but itself."""

import re
from dataclasses import replace

import pytest
from made_up_reports import made_up, png

from ravine.colours import LIGHT
from ravine.report.report_page import Scale, pixelated, report_page
from ravine.traps import Trap

TRAP = Trap("overfitting", 3, "training 99%, validation 71%", "--augment standard")
ORDER = (
    'class="verdict"', "overfitting", 'aria-label="Accuracy"', ">Curves<", ">What is taken for what<",
    ">Recall of each class<", ">Most confident errors<", ">Least sure<", ">Labels to look at<",
    ">Is it as sure as it is right?<", ">Augmentation<", ">The data<", ">Where the time goes<",
    ">Decided, skipped or replaced<", ">How to do it again<", ">Recipe<", ">Environment<",
)  # fmt: skip


def body(text):
    """Without plotly.js and the style."""
    return re.sub(r"<script>.*?</script>|<style>.*?</style>", "", text, flags=re.DOTALL)


@pytest.fixture(scope="module")
def whole():
    return report_page(made_up(traps=(TRAP,)))


def test_all_is_there_in_its_order(whole):
    places = [body(whole).index(words) for words in ORDER]
    assert places == sorted(places)


def test_it_says_what_the_report_says(whole):
    text, report = body(whole), made_up()
    for said in (
        *report.verdict,
        *report.notices[:1],
        report.seconds.advice,
        report.command,
        "3 images are there twice",
    ):
        assert said in text
    for one in report.accuracies:
        assert f"{one.accuracy:.1%}" in text
        assert f"{100 * one.low:.1f} to {100 * one.high:.1f}" in text
    for name, recall in zip(report.classes, report.judged.recall, strict=True):
        assert re.search(rf"<bdi>{name}</bdi></th><td>\d+</td><td>{recall:.1%}</td>", text)
    assert text.count("<img") == 12 + 6 + 6 + 1


def test_it_needs_nothing(whole):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', whole).group(1)
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
    assert "unsafe-eval" not in policy
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"', body(whole)) == []
    assert len(re.findall(r"plotly\.js v\d", whole)) == 1


@pytest.mark.parametrize(("state", "epoch"), [("training", 0), ("training", 3), ("stopped", 0), ("stopped", 7)])
def test_it_can_be_drawn_at_any_moment(state, epoch):
    text = body(report_page(made_up(state, epoch)))
    assert f"{epoch} of 12 epochs" in text
    assert ("Accuracy" in text) == (epoch > 0)
    assert "Recall" not in text
    reloads = '"pause"' in text
    assert reloads == (state == "training")


def test_an_old_run_without_predictions_says_so():
    report = made_up()
    old = replace(report, mistakes=None, judged=replace(report.judged, reliability=None), augmentation=None, command="")
    text = body(report_page(old))
    assert "no predictions.csv" in text
    assert "started from Python" in text
    assert "None: the network sees each training image as it is" in text


def test_it_says_why_it_ended_and_what_is_no_trap():
    text = body(report_page(made_up(epoch=5, ended="patience 2", notes=("accuracy in training is below that",))))
    assert "5 of 12 epochs, ended by patience 2" in text
    assert "Accuracy in training is below that." in text
    assert "ended by" not in body(report_page(made_up()))


@pytest.mark.parametrize(("winner", "voters", "said"), [
    ("lr=1", (1,), "Chosen: lr=1, the thick lines"), ("", (), "No value is chosen yet"),
])  # fmt: skip
def test_it_says_what_a_sweep_chose(winner, voters, said):
    state = {"best_epochs": (3,)} if winner else {"state": "training", "epoch": 4, "best_epochs": ()}
    text = body(report_page(made_up(members=2, sweep="lr=[0.1, 1]", winner=winner, voters=voters, **state)))
    assert said in text
    assert "Swept: lr=[0.1, 1]" in text


def test_long_names_are_shortened_and_whole_where_one_points():
    long = "n" * 10_000
    text = body(report_page(made_up(classes=(long, f"{long}2", "short"))))
    shown = re.sub(r'title="[^"]*"|<script.*?</script>', "", text, flags=re.DOTALL)
    assert long not in shown
    assert f'<bdi title="{long}">{"n" * 74}…nnnnn</bdi>' in text
    assert "<bdi>short</bdi>" in text


def test_below_a_thumbnail_and_beside_a_recall_a_name_takes_a_few_lines():
    name = "n" * 60
    text = body(report_page(made_up(classes=(name, "short"))))
    assert f'<b><bdi title="{name}">{"n" * 18}…nnnnn</bdi></b>' in text
    assert f'labelled <bdi title="{name}">{"n" * 18}…nnnnn</bdi>' in text
    assert f'<th scope="row" class="name"><bdi title="{name}">{"n" * 34}…nnnnn</bdi></th>' in text


@pytest.mark.parametrize(("wrong", "said"), [(1, "1 wrong answer, the surest first."), (2, "2 wrong answers, the s")])
def test_few_errors_are_counted(wrong, said):
    mistakes = made_up().mistakes
    few = replace(mistakes, confident=mistakes.confident[:wrong], wrong=wrong, suspects=(), doubtful=0)
    text = body(report_page(made_up(mistakes=few)))
    assert said in text
    assert "No label is under suspicion: to no wrong answer does" in text
    assert mistakes.why not in text


def test_the_augmentation_has_a_frame_of_its_own_paper(whole):
    paper = LIGHT["paper"]
    assert f"border-radius: 8px; background: {paper}; }}" in re.search(r"\.sheet \{[^}]*\}", whole).group()
    assert '<div class="scroll sheet"><img src="data:' in whole


def test_a_class_without_images_comes_last():
    report = made_up(classes=("a", "b", "c"))
    judged = report.judged
    confusion, counts, recall = judged.confusion.copy(), judged.counts.copy(), judged.recall.copy()
    confusion[1], counts[1], recall[1] = 0, 0, float("nan")
    text = body(report_page(replace(report, judged=replace(judged, confusion=confusion, counts=counts, recall=recall))))
    rows = re.findall(r'class="name"><bdi>(\w)</bdi></th><td>(\d+)</td><td>([\d.%-]+)</td>', text)
    assert rows[2] == ("b", "0", "-")


def test_many_classes_are_folded():
    text = body(report_page(made_up(classes=tuple(f"class {i}" for i in range(40)))))
    assert "<summary>26 more classes</summary>" in text
    assert "<summary>images of 40 classes</summary>" in text


@pytest.mark.parametrize(
    "interval", [(0.5, 0.5), (0.0, 1.0), (0.698, 0.737), (0.976, 0.997), (-0.012, 0.031), (0.2, 0.9)]
)
def test_an_axis_holds_its_intervals(interval):
    scale = Scale([interval])
    low, high = (float(scale.at(share).rstrip("%")) for share in interval)
    assert 0 <= low <= high <= 100
    assert scale.at(scale.ticks[0]) == "0.00%"
    assert scale.at(scale.ticks[-1]) == "100.00%"
    assert 2 <= len(scale.ticks) <= 8
    assert high - low >= 30 or interval[0] == interval[1]


def test_small_images_are_shown_as_squares():
    assert pixelated(png(0, 8))
    assert not pixelated(png(0, 96))
