"""What the check found, for people and for programs."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ravine.errors import shown

if TYPE_CHECKING:
    from rich.console import Group

_ROWS = 30


@dataclass(frozen=True)
class Finding:
    """A code that stays the same and a text for a person."""

    code: str
    text: str


@dataclass(frozen=True)
class Copies:
    """Identical images: `kind` is duplicates (within a split), leak (across splits) or conflict (across classes)."""

    kind: str
    where: str
    images: int
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Findings:
    """The result of a check.

    Attributes:
        source: what was checked.
        classes: in the order of their indices.
        counts: readable images by split and class.
        listed: how many image files there are, readable or not.
        unreadable: (path, reason) of those that cannot be used.
        left_out: paths that were not looked at, by reason.
        sizes: (min, median, max) of "height" and "width" in pixels.
        kinds: how many images there are of each format and mode.
        prepared: the shape `(C, H, W)` or `(F,)` that training sees, and why.
        copies: identical images.
        errors: what a training would refuse.
        warnings: what it would do, but should be known.
    """

    source: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    listed: int
    unreadable: tuple[tuple[str, str], ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    prepared: tuple[tuple[int, ...], str] = ((), "")
    copies: tuple[Copies, ...] = ()
    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether a training would accept the data."""
        return not self.errors

    def to_json(self) -> dict[str, Any]:
        """Dicts, tuples, strings and numbers; nothing is cut."""
        return {"usable": self.usable, **asdict(self)}

    def table(self) -> "Group":
        """For `rich.print`; long lists are cut, and say so."""
        from rich.console import Group  # importing rich takes longer than checking the digits

        return Group(*self._parts())

    def _parts(self) -> Iterator[Any]:
        from rich.table import Table
        from rich.text import Text

        total = sum(sum(counts.values()) for counts in self.counts.values())
        yield Text(f"{shown(self.source)}: {total:,} examples, {len(self.classes)} classes", style="bold")
        counts = Table("class", *self.counts)
        for label in self.classes[:_ROWS]:
            counts.add_row(Text(shown(label)), *(f"{by_class.get(label, 0):,}" for by_class in self.counts.values()))
        yield counts
        yield from _cut(len(self.classes), "classes")
        for side, (least, median, most) in self.sizes.items():
            yield Text(f"{side}: {least} to {most} pixels, median {median}")
        if self.kinds:
            yield Text(", ".join(f"{n:,} {kind}" for kind, n in self.kinds.items()))
        yield Text(f"training sees {' x '.join(map(str, self.prepared[0]))} ({self.prepared[1]})")
        if self.unreadable:
            unreadable = Table("unreadable", "reason")
            for name, reason in self.unreadable[:_ROWS]:
                unreadable.add_row(Text(shown(name)), Text(shown(reason)))
            yield unreadable
            yield from _cut(len(self.unreadable), "unreadable files")
        for kind, style in (("error", "bold red"), ("warning", "yellow")):
            for finding in self.errors if kind == "error" else self.warnings:
                yield Text.assemble((f"{kind}: ", style), finding.text)
        if not self.errors and not self.warnings:
            yield Text("nothing to complain about", style="green")


def _cut(n: int, what: str) -> Iterator[str]:
    if n > _ROWS:
        yield f"... {n - _ROWS:,} more {what} (--json lists all)"
