"""Results as tables on stdout."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ravine.cli.ensemble_table import print_ensemble
from ravine.cli.snapshots import print_snapshots
from ravine.cli.sweep_table import print_sweep
from ravine.cli.trap_lines import print_traps
from ravine.report.accuracies import accuracies, best_epochs, by_luck
from ravine.runs import Run
from ravine.training.evaluate import Score


def print_results(run: Run, *, as_json: bool) -> None:
    """What a finished training came to: accuracies with intervals, confusions, where everything is, what to do next."""
    summary, out = run.summary, Console(soft_wrap=True, highlight=False)
    if as_json:
        print(json.dumps(summary))
        return
    heads = (f"{name} (n = {score['n']:,})" for name, score in summary["best"].items())
    table = Table("accuracy", "epoch", *heads, box=None, header_style="bold", pad_edge=False)
    for which, epoch in (("best", summary["best_epoch"]), ("last", summary["epochs"])):
        shown = ", ".join(map(str, epoch)) if isinstance(epoch, list) else str(epoch)
        table.add_row(which, shown, *(percent(score) for score in summary[which].values()))
    out.print(table)
    train, clean = summary["train"], summary["clean_train"]
    if train:
        out.print(
            f"train: {train['train/accuracy']:.1%} while training (last epoch), {clean['accuracy']:.1%} clean "
            f"(best weights in eval mode, {clean['n']:,} images)"
        )
    print_traps(summary.get("traps", ()), out)
    for frozen in summary.get("frozen", ()):
        kept = f"its best is epoch {frozen['best_epoch']}'s" if frozen["best_epoch"] else "without a score, so no vote"
        out.print("member {member} froze at epoch {epoch}, step {step}: {why}; ".format(**frozen) + kept)
    if "sweep" in summary:
        print_sweep(summary["sweep"], tested="test" in summary["best"])
    if "snapshots" in summary:
        print_snapshots(summary["snapshots"], summary["seconds"])
    if "test" not in summary["best"]:
        out.print("val chose the best epoch, so its accuracy is a little flattering; --test 0.2 holds out a test set")
    if luck := by_luck(accuracies(summary, (), best_epochs(summary, (), 1), 0)):
        out.print(luck)
    if summary["worst_confusions"]:
        worst = summary["worst_confusions"]
        rows = (f"{escape(c['true'])} as {escape(c['predicted'])} ({c['count']} times)" for c in worst)
        out.print(f"most confused on {summary['scored_on']}: {', '.join(rows)}")
    if "ensemble" in summary:
        print_ensemble(summary["ensemble"])
    out.print(f"\nbest weights  {escape(summary['weights']['best'])}")
    out.print(f"last weights  {escape(summary['weights']['last'])}")
    out.print(f"everything    {escape(str(run.path))}")
    if run.folder.report.is_file():
        out.print(f"report        {escape(str(run.folder.report))}")
    if (run.path / "tensorboard").is_dir():
        out.print(f"curves        tensorboard --logdir {escape(str(run.path.parent))}")
    out.print(f"predict with  ravine predict {escape(str(run.path))} IMAGE")


def print_score(score: Score, classes: tuple[str, ...], split: str) -> None:
    """Accuracy with interval, calibration, per-class recall and the confusion matrix."""
    out = Console(soft_wrap=True, highlight=False)
    low, high = score.interval
    out.print(
        f"accuracy           {score.vote_accuracy:.2%}  (95% interval {low:.2%} to {high:.2%}, {score.n:,} of {split})"
    )
    out.print(f"balanced accuracy  {score.balanced_accuracy:.2%}")
    out.print(f"loss               {score.vote_loss:.4f}")
    out.print(f"calibration error  {score.ece:.2%}  (expected, 15 bins)")
    table = Table("class", "images", "recall", box=None, header_style="bold", title_justify="left")
    for name, count, recall in zip(classes, score.confusion.sum(1), score.recall, strict=True):
        table.add_row(escape(name), f"{count:,}", "-" if count == 0 else f"{recall:.1%}")
    out.print(table)
    if len(classes) <= 20:
        matrix = Table("true \\ predicted", *(escape(name) for name in classes), box=None, header_style="bold")
        for name, row in zip(classes, score.confusion, strict=True):
            matrix.add_row(escape(name), *(str(count) if count else "." for count in row))
        out.print(matrix)
    for a, b, count in score.confusions():
        out.print(f"confused: {escape(classes[a])} as {escape(classes[b])}, {count} times")


def print_views(plain: Score, viewed: Score, tta: str) -> None:
    """What averaging over several views changes, in one line under the plain score."""
    low, high = viewed.interval
    gain, loss = 100 * (viewed.vote_accuracy - plain.vote_accuracy), viewed.vote_loss - plain.vote_loss
    Console(soft_wrap=True, highlight=False).print(
        f"with --tta {escape(tta)}: accuracy {viewed.vote_accuracy:.2%} (95% interval {low:.2%} to {high:.2%}), "
        f"{gain:+.2f} points; loss {viewed.vote_loss:.4f}, {loss:+.4f}"
    )


def percent(score: dict[str, Any]) -> str:
    """`91.2% (90.6 to 91.8)`, accuracy and 95% interval."""
    low, high = score["accuracy_interval"]
    return f"{score['accuracy']:.1%} ({100 * low:.1f} to {100 * high:.1f})"
