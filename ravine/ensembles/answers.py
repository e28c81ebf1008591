"""What several networks say of the same examples: all that is needed to judge, weigh and choose among them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ravine.ensembles.vote import as_array, vote
from ravine.errors import UsageError

_OFF = 1e-2  # that a row's sum may be away from 1: rounding of 16 bits


@dataclass(frozen=True)
class Answers:
    """Probabilities of K members on N labelled examples.

    Args:
        probabilities: `[K, N, classes]`; each row sums to 1. Arrays, lists or torch's tensors.
        labels: int64 `[N]`, the right answers, 0 to classes - 1.
        names: of the members, K of them; member00, member01, ... where none are given.

    Raises:
        UsageError: shapes that do not belong together, or labels that are no classes.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        p, y = (as_array(values, "Answers") for values in (self.probabilities, self.labels))
        object.__setattr__(self, "probabilities", p if np.issubdtype(p.dtype, np.floating) else p.astype(np.float64))
        object.__setattr__(self, "labels", y if y.size else y.astype(np.int64))
        shape, labels = self.probabilities.shape, self.labels.shape
        if len(shape) != 3 or not shape[0] or shape[1:2] != labels:
            found = f"probabilities {shape} and labels {labels}"
            raise UsageError(found, where="Answers", expected="[K, N, classes] and [N], K at least 1")
        if labels[0] and not (
            np.issubdtype(self.labels.dtype, np.integer) and 0 <= self.labels.min() <= self.labels.max() < shape[2]
        ):
            found = f"labels {self.labels.min()} to {self.labels.max()} ({self.labels.dtype})"
            raise UsageError(found, where="Answers", expected=f"whole numbers from 0 to {shape[2] - 1}")
        # a row that is not finite stays: greedy leaves its member out, report refuses it
        sums = self.probabilities.sum(2, dtype=np.float64)
        sums = sums[np.isfinite(self.probabilities).all(2)]
        if (self.probabilities < 0).any() or (sums.size and np.abs(sums - 1).max() > _OFF):
            raise UsageError("no probabilities", where="Answers", expected="rows of 0 or more that sum to 1")
        if not self.names:
            object.__setattr__(self, "names", tuple(f"member{k:02d}" for k in range(shape[0])))
        if len(self.names) != shape[0]:
            raise UsageError(f"{len(self.names)} names", where="Answers", expected=f"{shape[0]}, one a member")

    @property
    def members(self) -> int:
        """K."""
        return len(self.probabilities)

    @cached_property
    def correct(self) -> np.ndarray:
        """bool `[K, N]`: whether each member's likeliest class is the right one."""
        return self.probabilities.argmax(2) == self.labels

    @cached_property
    def vote(self) -> np.ndarray:
        """`[N, classes]`: the members' averaged probabilities."""
        return vote(self.probabilities)

    def of(self, members: "np.ndarray | list[int]") -> "Answers":
        """The answers of some members, in the order given; a member may be taken several times."""
        chosen = np.asarray(members, np.int64)
        return Answers(self.probabilities[chosen], self.labels, tuple(self.names[k] for k in chosen))

    def rows(self, rows: np.ndarray) -> "Answers":
        """The answers on some examples."""
        return Answers(self.probabilities[:, rows], self.labels[rows], self.names)
