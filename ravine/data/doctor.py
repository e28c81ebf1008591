"""Looks a data set over before anything is trained on it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from ravine.data.findings import Copies, Finding, Findings, shown
from ravine.data.layout import UNLABELLED
from ravine.data.split import Split
from ravine.errors import did_you_mean

TINY_CLASS = 5
IMBALANCE = 5.0
_EXAMPLES = 5


def look_over(
    draft: Findings,
    splits: Mapping[str, Split],
    digests: Mapping[str, np.ndarray],
    labels: tuple[str, ...],
    max_bad: float,
) -> Findings:
    """Adds counts, copies, errors and warnings to findings that hold what the files themselves say.

    Args:
        draft: with source, classes and what reading the files has shown.
        splits: all examples; `y` is an index into `labels`.
        digests: uint64 `[N]` for each split; equal where examples are.
        labels: the classes, then the labels of val and test that train does not know.
        max_bad: the fraction of unreadable images up to which training accepts the data.
    """
    counts = {
        name: dict(zip(labels, np.bincount(split.y, minlength=len(labels)).tolist(), strict=True))
        for name, split in splits.items()
    }
    copies = tuple(_copies(splits, digests))
    errors = (*_refused_files(draft, max_bad), *_unknown_classes(draft.classes, counts))
    warnings = (
        *_files(draft),
        *_classes(draft.classes, counts),
        *(_about_copies(found, "val" in splits) for found in copies),
        *draft.warnings,
    )
    if draft.unreadable and not any(error.code == "unreadable" for error in errors):
        warnings = (Finding("unreadable", f"left out: {_unreadable(draft)}"), *warnings)
    return replace(draft, counts=counts, copies=copies, errors=(*errors, *draft.errors), warnings=warnings)


def _refused_files(draft: Findings, max_bad: float) -> Iterator[Finding]:
    if len(draft.unreadable) == draft.listed:
        yield Finding("unreadable", f"no image can be read: {_unreadable(draft)}")
    elif len(draft.unreadable) > max_bad * draft.listed:
        more = f"more than the {max_bad:.3g} that --max-bad allows"
        yield Finding("unreadable", f"{_unreadable(draft)}: {more}. Repair or remove them")


def _unreadable(draft: Findings) -> str:
    first = ", ".join(f"{shown(name)} ({shown(reason)})" for name, reason in draft.unreadable[:3])
    etc = ", ..." if len(draft.unreadable) > 3 else ""
    share = len(draft.unreadable) / draft.listed
    return f"{len(draft.unreadable):,} of {draft.listed:,} images ({share:.2%}) cannot be read: {first}{etc}"


def _unknown_classes(classes: tuple[str, ...], counts: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    for split, by_label in counts.items():
        unknown = [label for label, n in by_label.items() if n and label not in classes]
        if unknown:
            names = _some(unknown)
            hint = did_you_mean(unknown[0], classes)
            yield Finding("unknown-class", f"{split} has classes that train does not have: {names}. {shown(hint)}")


def _files(draft: Findings) -> Iterator[Finding]:
    for reason, paths in draft.left_out.items():
        if paths:
            code = reason.replace(" ", "-")
            unlabelled = "; they are not scored, but ravine predict names them" if reason == UNLABELLED else ""
            yield Finding(code, f"{len(paths):,} files not used, {reason}: {_some(paths)}{unlabelled}")


def _classes(classes: tuple[str, ...], counts: Mapping[str, Mapping[str, int]]) -> Iterator[Finding]:
    if len(classes) == 1:
        yield Finding("one-class", f"there is only one class, {shown(classes[0])}: nothing to tell apart")
    for split, by_label in counts.items():
        missing = [label for label in classes if not by_label[label]]
        if missing and split == "train":
            yield Finding("empty-class", f"no images in train, so these cannot be learnt: {_some(missing)}")
        elif missing:
            yield Finding("missing-class", f"{split} has no images of {_some(missing)}: its score says nothing on them")
    train = {label: n for label, n in counts.get("train", {}).items() if n}
    tiny = [f"{label} ({n})" for label, n in train.items() if n < TINY_CLASS]
    if tiny:
        yield Finding("tiny-class", f"fewer than {TINY_CLASS} images in train: {_some(tiny)}")
    if train and max(train.values()) > IMBALANCE * min(train.values()):
        most, least = max(train, key=train.__getitem__), min(train, key=train.__getitem__)
        sizes = f"{shown(most)} has {train[most]:,} images, {shown(least)} {train[least]:,}"
        yield Finding("imbalance", f"{sizes}: see --balance loss and --balance sampler")


def _copies(splits: Mapping[str, Split], digests: Mapping[str, np.ndarray]) -> Iterator[Copies]:
    found: dict[tuple[str, str], tuple[int, list[tuple[str, str]]]] = defaultdict(lambda: (0, []))

    def count(kind: str, where: str, n: int, one: tuple[str, int], other: tuple[str, int]) -> None:
        total, examples = found[kind, where]
        if len(examples) < _EXAMPLES:
            examples.append((splits[one[0]].names[one[1]], splits[other[0]].names[other[1]]))
        found[kind, where] = total + n, examples

    for group in _groups(digests):
        by_split = {name: [pair for pair in group if pair[0] == name] for name in splits}
        present = [name for name in splits if by_split[name]]
        for k, name in enumerate(present):
            here = by_split[name]
            if len(here) > 1:
                count("duplicates", name, len(here) - 1, here[0], here[1])
            for before in present[:k]:
                count("leak", f"{before} and {name}", len(here), by_split[before][0], here[0])
        of = [splits[name].y[i] for name, i in group]
        other = next((pair for pair, y in zip(group, of, strict=True) if y != of[0]), None)
        if other:
            count("conflict", "two classes", len(group), group[0], other)
    for (kind, where), (total, examples) in sorted(found.items()):
        yield Copies(kind, where, total, tuple(examples))


def _groups(digests: Mapping[str, np.ndarray]) -> list[list[tuple[str, int]]]:
    """The (split, position) of identical examples, a list for each image that occurs more than once."""
    together = np.concatenate(list(digests.values()) or [np.empty(0, np.uint64)])
    order = np.argsort(together, kind="stable")
    same = together[order][1:] == together[order][:-1]
    again = np.flatnonzero(same)
    position = [(name, i) for name, column in digests.items() for i in range(len(column))] if len(again) else []
    groups: dict[int, list[tuple[str, int]]] = {}
    for k in again.tolist():
        group = groups.setdefault(int(together[order[k]]), [position[order[k]]])
        group.append(position[order[k + 1]])
    return list(groups.values())


def _about_copies(found: Copies, has_val: bool) -> Finding:
    one, other = found.examples[0]
    example = f"for example {shown(one)} = {shown(other)}"
    if found.kind == "leak":
        first, _, second = found.where.partition(" and ")
        text = f"LEAK: {found.images:,} images of {second} are also in {first} ({example}): scores will be too good"
    elif found.kind == "conflict":
        text = f"{found.images:,} images are the same as one of another class ({example}): a label must be wrong"
    else:
        text = f"{found.images:,} images of {found.where} are copies of others in it ({example})"
        if found.where == "train" and not has_val:
            text += "; when validation images are cut from train, copies can land on both sides"
    return Finding(found.kind, text)


def _some(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(map(shown, names[:5])) + (", ..." if len(names) > 5 else "")
