"""What is it in pretrained weights that serves new data? Networks cut at each depth, kept, frozen or made anew.

(Yosinski, Clune, Bengio and Lipson, "How transferable are features in deep neural networks?", 2014.)
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ravine.errors import UsageError
from ravine.interval import wilson
from ravine.transfer.gap import Gap, gap
from ravine.transfer.verdict import Verdict, verdict

Setting = tuple[str, int]  # a line and a depth
# line -> what is done to the first d blocks, what to the rest
LINES = {
    "frozen": "kept and frozen, rest new",
    "tuned": "kept and fine-tuned, rest new",
    "random": "random and frozen, rest new",
    "whole": "all kept, frozen up to there",
}
SCRATCH: Setting = ("scratch", 0)


def in_words(setting: Setting) -> str:
    """`first 3 kept and frozen, rest new`."""
    line, depth = setting
    if line == "scratch":
        return "from scratch"
    if line == "whole":
        return f"all kept, {f'first {depth}' if depth else 'none'} frozen"
    return f"first {depth} {LINES[line]}"


def settings(depths: Sequence[int]) -> list[Setting]:
    """Every training once: where the first three lines meet, from scratch, and where two coincide, only one."""
    deepest = depths[-1]
    lines = [(line, d) for d in depths for line in LINES if d or line == "whole"]
    return [SCRATCH, *(s for s in lines if s != ("whole", deepest))]


def spread_out(blocks: int) -> tuple[int, ...]:
    """The depths that are tried: all of up to 6 blocks, else 6 evenly spaced ones; with 0, which is from scratch."""
    if blocks <= 6:
        return tuple(range(blocks + 1))
    return tuple(round(blocks * i / 6) for i in range(7))


@dataclass(frozen=True)
class Transfer:
    """What was found; `print(*found.sentences, sep="\\n")` and `found.page("transfers.html")` show it.

    Attributes:
        weights, data: where they come from, for people.
        blocks: names of the L blocks before the head, first to last.
        parameters: of each of them, and of the head, `[L + 1]`.
        depths: how many first blocks are told apart from the rest, ascending, from 0 to L.
        right: by line and depth, which validation images each seed's network calls right, bool `[K, N]`.
        test: the same of test images, for what can be recommended; empty where there is no test split.
        seconds: by line and depth, what the training of all K networks took.
        probes: accuracy of a linear probe on what each block of the pretrained network gives, `[L]`.
        cka: linear CKA of what each block gives before and after fine-tuning, `[K, L]`; 1 is the same but for rotation
            and scale, 0 unrelated.
        epochs: of each training.
        commands: "finetune" and "train", the command lines that the advice is about.
        folder: where all of it is kept.
        warnings: sentences that belong to it.
    """

    weights: str
    data: str
    blocks: tuple[str, ...]
    parameters: tuple[int, ...]
    depths: tuple[int, ...]
    right: Mapping[Setting, np.ndarray]
    test: Mapping[Setting, np.ndarray]
    seconds: Mapping[Setting, float]
    probes: tuple[float, ...]
    cka: np.ndarray
    epochs: int
    commands: Mapping[str, str]
    folder: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def seeds(self) -> int:
        return self.right[SCRATCH].shape[0]

    @property
    def n(self) -> int:
        """Validation images."""
        return self.right[SCRATCH].shape[1]

    @cached_property
    def verdict(self) -> Verdict:
        """The decisions, made on validation alone, and the three sentences."""
        return verdict(self)

    @property
    def sentences(self) -> tuple[str, str, str]:
        """Which blocks carry over, where they become specific, what to freeze on this data."""
        return self.verdict.sentences

    def answers(self, line: str, depth: int) -> np.ndarray:
        """Right answers of a point on a line, bool `[K, N]`."""
        return self.right[self.setting(line, depth)]

    def setting(self, line: str, depth: int) -> Setting:
        """The training that a point on a line stands for."""
        if line not in ("scratch", *LINES) or depth not in self.depths or (line == "scratch" and depth):
            raise UsageError(f"no {line} at depth {depth}", where="transfers", expected=f"{', '.join(LINES)}; a depth")
        if depth == 0 and line != "whole":
            return SCRATCH
        return ("frozen", depth) if (line, depth) == ("whole", self.depths[-1]) else (line, depth)

    def accuracy(self, line: str, depth: int) -> float:
        """On validation, the mean over seeds."""
        return float(self.answers(line, depth).mean())

    def interval(self, line: str, depth: int) -> tuple[float, float]:
        """Wilson's 95% interval of `accuracy`: for these networks on new images.

        Of a mean over seeds it is a little too wide; near 0 and 1 it holds, too.
        """
        return wilson(self.accuracy(line, depth) * self.n, self.n)

    def gap(self, line: str, depth: int, other: str, its: int) -> Gap:
        """How much better the one is than the other, paired over seeds and images."""
        return gap(self.answers(line, depth), self.answers(other, its))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers; accuracies by line and depth, `[K]` each."""
        chosen, pairs = self.verdict, [("frozen", "tuned"), ("frozen", "random"), ("tuned", "scratch")]
        accuracies: dict[str, Any] = {
            line: {d: self.answers(line, d).mean(1).tolist() for d in self.depths} for line in LINES
        }
        gaps = {
            f"{one} minus {other}": {
                d: _plain(self.gap(one, d, other, 0 if other == "scratch" else d)) for d in self.depths[1:]
            }
            for one, other in pairs
        }
        return {
            "weights": self.weights,
            "data": self.data,
            "seeds": self.seeds,
            "n": self.n,
            "epochs": self.epochs,
            "sentences": list(chosen.sentences),
            "carried": chosen.carried,
            "specific": chosen.specific,
            "freeze": chosen.freeze,
            "command": chosen.command,
            "blocks": list(self.blocks),
            "parameters": list(self.parameters),
            "depths": list(self.depths),
            "accuracy": {"scratch": self.answers(*SCRATCH).mean(1).tolist(), **accuracies},
            "gaps": gaps,
            "test": chosen.test,
            "probe": list(self.probes),
            "cka": [[None if np.isnan(one) else one for one in seed] for seed in self.cka.tolist()],
            "seconds": {f"{line} {depth}": seconds for (line, depth), seconds in self.seconds.items()},
            "warnings": list(self.warnings),
        }

    def text(self, suffix: str) -> str:
        """As a file with that ending: .html is a page that needs nothing else, .svg its curve, .json the numbers.

        Raises:
            UsageError: another ending.
        """
        from ravine.transfer.transfers_page import written

        return written(self, suffix)

    def page(self, path: str | os.PathLike[str]) -> None:
        """Writes `text` to a file. Raises UsageError: another ending; OSError: it cannot be written."""
        Path(path).write_text(self.text(Path(path).suffix), encoding="utf-8")


def _plain(found: Gap) -> dict[str, float]:
    return {name: value for name, value in asdict(found).items() if name in ("value", "low", "high")}
