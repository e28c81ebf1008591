"""The verdict in two sentences: how good it is, and what would help most.

What would help most is the first of these that is so:

    it was stopped                                    to go on with it
    a trap                                            its remedy
    of 6 wrong answers on validation and test or more half have doubtful labels, and 4 answers in 5 are right
                                                      to look at those labels
    every answer on the images that count is right   a larger or a harder test: these are used up
    fewer than 2,000 photos, from scratch, and more than 1 answer in 20 wrong
                                                      to start from pretrained weights
    clean training accuracy 10 points above, and above the interval
                                                      more images, or what stands in for them: augmentation, dropout
    clean training accuracy below 90%                 a longer training; where patience ended it a larger network, or
                                                      of pretrained weights more that is trained
    one pair of classes makes a quarter of 20 mistakes or more
                                                      more images of those two
    the accuracy is known to 5 points or worse        more images to judge on
    none                                              an ensemble, which is a little better nearly always
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ravine.report.accuracies import by_luck
from ravine.report.facts import Accuracy, Report
from ravine.report.figures_theme import shortened
from ravine.report.judged import Judged
from ravine.report.mistakes import RELIABLE
from ravine.traps import Facts, more_capacity, twice_as_long

GAP, LEARNED = 0.10, 0.9
FEW_PHOTOS, GOOD = 2000, 0.95
PAIR, ENOUGH = 0.25, 20
DOUBTFUL, FEWEST = 0.5, 6
WIDE = 0.05  # half the interval's width
LONGEST = 40  # characters of a class's name
_IMAGES = {"val": "validation images", "test": "test images"}


def how_good(report: Report) -> str:
    """The first sentence, and one more where the best epoch may be luck."""
    if report.sweep and not report.voters and report.rows:
        done = f"After {report.epoch} of {report.epochs} epochs"
        return f"{done} no value of the sweep {report.sweep} is chosen yet: they are compared at the end."
    if not report.accuracies:
        return "Nothing is known yet: the first epoch is not done."
    shown = counted(report.accuracies)
    who = f"the vote of its {len(report.best_epochs)} members" if len(report.best_epochs) > 1 else "the network"
    who += f" with {report.winner}, which the sweep chose," if report.winner else ""
    said = (
        f"{who} recognises {shown.accuracy:.1%} of {shown.n:,} {_IMAGES[shown.split]} "
        f"(95% interval {shown.low:.1%} to {shown.high:.1%})"
    )
    if report.state != "finished":
        return f"After {report.epoch} of {report.epochs} epochs {said}."
    if shown.split == "val":
        said += ", which also chose the best epoch, so that this flatters a little"
    return f"{_capital(said)}. {by_luck(report.accuracies)}".strip()


def what_helps(report: Report, facts: Facts, summary: Mapping[str, Any]) -> str:
    """The second sentence, of a report whose other fields are filled; empty while it trains without a trap.

    `facts` are those of its traps: nothing is advised that the recipe has already, or that does not go with it.
    """
    if report.state == "stopped":
        return f"It was stopped; ravine resume {report.path} goes on with it."
    if report.traps:
        trap = report.traps[0]
        return f"What would help most is {trap.remedy}: {trap.name}, {trap.evidence}."
    if report.judged is None or not summary:
        return ""
    shown = counted(report.accuracies)
    found = _labels(report, summary, shown) or _used_up(shown) or _too_few(shown, facts)
    found = found or _gap(summary, shown, facts) or _pair(report.judged, report.classes) or _width(shown)
    if found:
        return found
    if len(report.best_epochs) > 1:
        return "Nothing stands out: what is left is more images."
    return "Nothing stands out: what is left is more images, or an ensemble (--members 5)."


def counted(accuracies: tuple[Accuracy, ...]) -> Accuracy:
    """The accuracy that counts: of the best weights, on test or else validation."""
    best = [one for one in accuracies if one.which == "best"]
    return next((one for one in best if one.split == "test"), best[0])


def _labels(report: Report, summary: Mapping[str, Any], shown: Accuracy) -> str:
    wrong = sum(round(score["n"] * (1 - score["accuracy"])) for score in summary["best"].values())
    doubtful = report.mistakes.doubtful if report.mistakes else 0
    if shown.accuracy < RELIABLE or wrong < FEWEST or doubtful < DOUBTFUL * wrong:
        return ""
    return (
        f"What would help most is a look at the labels: {doubtful:,} of its {wrong:,} wrong answers on "
        f"{' and '.join(summary['best'])} images confidently contradict them."
    )


def _used_up(shown: Accuracy) -> str:
    """Where nothing is wrong, nothing better can be seen."""
    if shown.accuracy < 1:
        return ""
    more = "a larger or a harder test"
    more += " (--test 0.2, or a test folder)" if shown.split == "val" else ""
    return f"All {shown.n:,} {_IMAGES[shown.split]} are right, so these are used up: what would tell more is {more}."


def _too_few(shown: Accuracy, facts: Facts) -> str:
    """Photos that are too few to learn from scratch what photos look like."""
    n = sum(facts.counts.values())
    if not facts.photos or facts.used("pretrained") or not 0 < n < FEW_PHOTOS or shown.accuracy >= GOOD:
        return ""
    known = f"{n:,} photos are few for a training from scratch"
    return f"What would help most is to start from pretrained weights, ravine finetune WEIGHTS {facts.data}: {known}."


def _gap(summary: Mapping[str, Any], shown: Accuracy, facts: Facts) -> str:
    """What the difference between training images and new ones says."""
    clean = summary["clean_train"]["accuracy"]
    known = f"{clean:.1%} of the training images are recognised and {shown.accuracy:.1%} of new ones"
    gap = clean - shown.accuracy
    if gap >= GAP and clean > shown.high:
        if facts.images and not facts.used("augment"):
            return f"What would help most is more training images, or --augment standard: {known}."
        if not facts.used("regularize"):
            return f"What would help most is more training images, or --regularize 'dropout(0.3)': {known}."
        return f"What would help most is more training images: {known}."
    if clean < LEARNED and summary["stopped"].startswith("patience"):
        return f"What would help most is {_more(facts, summary['epochs'])}: {known}."
    if clean < LEARNED:
        return f"What would help most is a longer training, {twice_as_long(facts, summary['epochs'])}: {known}."
    return ""


def _more(facts: Facts, epochs: int) -> str:
    """What learns more, in words, where patience ended the training: more epochs alone would not."""
    remedy = more_capacity(facts, epochs)
    if remedy.startswith("--model"):
        return f"a larger network, {remedy}"
    if remedy.startswith(("--epochs", "--budget")):
        return f"more patience, --patience {2 * int(facts.used('patience') or 1)}"
    return f"to train more of the blocks, {remedy}"


def _pair(judged: Judged, classes: Sequence[str]) -> str:
    """The two classes that are most taken for each other, both ways."""
    wrong = judged.confusion.copy()
    wrong[range(len(wrong)), range(len(wrong))] = 0
    total, both = int(wrong.sum()), wrong + wrong.T
    a, b = divmod(int(both.argmax()), len(both))
    n = int(both[a, b])
    if total < ENOUGH or n < PAIR * total or len(both) < 3:
        return ""
    one, other = (shortened(classes[k], LONGEST) for k in (a, b))
    return f"What would help most is more images of {one} and {other}: {n:,} of the {total:,} mistakes confuse the two."


def _width(shown: Accuracy) -> str:
    half = (shown.high - shown.low) / 2
    if half < WIDE:
        return ""
    more = "--test 0.2, or a test folder" if shown.split == "val" else "a larger test split"
    known = f"{shown.n:,} tell the accuracy to {100 * half:.0f} points only"
    return f"What would help most is more images to judge on, {more}: {known}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
