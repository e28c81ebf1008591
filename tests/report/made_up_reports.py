"""Reports without a training: rows that look like one, a confusion matrix, images of a few pixels."""

import io
from dataclasses import replace

import numpy as np
from PIL import Image

from ravine.ensembles.reliability import reliability
from ravine.interval import wilson
from ravine.report import Accuracy, Judged, Mistakes, Report, Seconds, Shown

RECIPE = 'model = "convnet"\noptimizer = "adam"\nlr = 0.01\nepochs = 12\nmembers = {members}\n'


def png(seed, side=8):
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def rows_of(epochs, members, rng):
    for epoch in range(1, epochs + 1):
        done = 1 - np.exp(-epoch / 4)
        each = [
            {
                "train/loss": 2.3 - 2 * done + rng.normal(0, 0.02),
                "train/accuracy": 0.1 + 0.75 * done + rng.normal(0, 0.01),
                "train/clean_accuracy": 0.1 + 0.8 * done + rng.normal(0, 0.01),
                "val/loss": 2.3 - 1.5 * done + rng.normal(0, 0.05),
                "val/accuracy": 0.1 + 0.65 * done + rng.normal(0, 0.015),
            }
            for _ in range(members)
        ]
        row = {"epoch": epoch, "lr": 0.01 * np.sin(np.pi * epoch / 13)}
        row |= {name: float(np.mean([one[name] for one in each])) for name in each[0]}
        if members > 1:
            row |= {"vote/val/loss": row["val/loss"] - 0.2, "vote/val/accuracy": row["val/accuracy"] + 0.04}
            row |= {f"member{k:02d}/{name}": value for k, one in enumerate(each) for name, value in one.items()}
        yield row


def judged_of(classes, rng):
    n, c = 40 * len(classes), len(classes)
    labels = rng.integers(0, c, n)
    logits = rng.normal(0, 1, (n, c))
    logits[np.arange(n), labels] += 2.5
    p = np.exp(2 * logits) / np.exp(2 * logits).sum(1, keepdims=True)
    confusion = np.zeros((c, c), np.int64)
    np.add.at(confusion, (labels, p.argmax(1)), 1)
    counts, bins = confusion.sum(1), reliability(p, labels)
    off = [(int(confusion[i, j]), classes[i], classes[j]) for i in range(c) for j in range(c) if i != j]
    worst = tuple((a, b, count) for count, a, b in sorted(off, reverse=True)[:5] if count)
    return Judged("test", confusion, np.diag(confusion) / counts, counts, worst, bins.ece, bins)


def shown(classes, number, offset, name="test/{}/{:04d}.jpg"):
    for i in range(number):
        true, predicted = classes[i % len(classes)], classes[(i + offset) % len(classes)]
        yield Shown("test", name.format(true, i), true, predicted, 0.99 - i / 50, 0.005, png(i))


def made_up(state="finished", epoch=12, members=1, classes=tuple("abcdefghij"), seed=0, **changes):
    """A report of `epoch` of 12 epochs; `changes` are fields of their own."""
    rng = np.random.default_rng(seed)
    rows, judged = list(rows_of(epoch, members, rng)), judged_of(classes, rng) if state == "finished" else None
    accuracies, best = (), ()
    if rows:
        column = "val/accuracy" if members == 1 else "member{:02d}/val/accuracy"
        best = tuple(max(rows, key=lambda row: row[column.format(k)])["epoch"] for k in range(members))
        kinds = (("best", "val", best, 0.0), ("last", "val", (epoch,), -0.01), ("best", "test", best, -0.03))
        kinds = (*kinds, ("last", "test", (epoch,), -0.035)) if state == "finished" else kinds[:1]
        for which, split, epochs, more in kinds:
            share = rows[-1]["val/accuracy"] + more
            accuracies += (Accuracy(which, epochs, split, share, *wilson(share * 400, 400), 400),)
    times = [{"data": 0.2, "compute": 2.5 + rng.random(), "validation": 0.4, "saving": 0.1} for _ in rows]
    total = {part: sum(one[part] for one in times) for part in ("data", "compute", "validation", "saving")}
    counts = {split: dict.fromkeys(classes, n) for split, n in (("train", 300), ("val", 60), ("test", 40))}
    mistakes = Mistakes(
        tuple(shown(classes, 12, 1)), tuple(shown(classes, 6, 0)), tuple(shown(classes, 6, 2)), 97, 9, "it is sure"
    )
    report = Report(
        name="photos",
        path="runs/photos",
        state=state,
        epoch=epoch,
        epochs=12,
        ended="",
        verdict=("74.1% of 400 test images are right (69.6 to 78.2).", "More images would help most: it overfits."),
        accuracies=accuracies,
        rows=rows,
        times=[{"epoch": row["epoch"], **one} for row, one in zip(rows, times, strict=True)],
        members=members,
        voters=tuple(range(members)),
        sweep="",
        winner="",
        best_epochs=best,
        classes=classes,
        judged=judged,
        mistakes=mistakes if judged else None,
        augmentation=png(99, 64),
        findings=(("warning", "3 images are there twice"),),
        counts=counts,
        seconds=Seconds(tuple(times), total, "Compute takes 80% of the time: a GPU, or --members fewer.")
        if rows
        else None,
        notices=("model convnet (images: a convolutional network)", "warning: 2 images could not be read"),
        traps=(),
        notes=(),
        recipe=RECIPE.format(members=members),
        environment={"ravine": "0.1.0", "torch": "2.13.0", "device": "cpu"},
        command="ravine train photos/ --epochs 12",
    )
    return replace(report, **changes)
