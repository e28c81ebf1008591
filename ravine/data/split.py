"""The examples of one split: a list of rows of one big array, which is never copied."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Split:
    """N examples, some rows of a store that other splits share.

        >>> split = Split(np.arange(8, dtype=np.float32).reshape(4, 2), y=np.array([1, 0]), names=("c", "a"),
        ...               rows=np.array([2, 0]))
        >>> split.take(np.array([1]))
        array([[0., 1.]], dtype=float32)

    Attributes:
        store: uint8 or float32 `[M, C, H, W]` or float32 `[M, F]`; may be mapped from a file larger than memory.
        y: int64 `[N]`, class indices.
        names: path (or array position) of each example.
        rows: int64 `[N]`, where each example is in the store; all rows in order where None.
    """

    store: np.ndarray = field(repr=False)
    y: np.ndarray
    names: Sequence[str] = field(repr=False)
    rows: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", np.asarray(self.store))  # a plain view: np.memmap slows every access down

    def __len__(self) -> int:
        return len(self.y)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example: `(C, H, W)` or `(F,)`."""
        return self.store.shape[1:]

    @property
    def nbytes(self) -> int:
        """The bytes that all examples take in memory."""
        return len(self) * self.store.dtype.itemsize * int(np.prod(self.shape))

    def take(self, indices: np.ndarray) -> np.ndarray:
        """The examples at these positions, int64 `[B]`: a copy `[B, C, H, W]` or `[B, F]`; reads nothing else."""
        return np.take(self.store, indices if self.rows is None else self.rows[indices], axis=0)

    def part(self, indices: np.ndarray) -> "Split":
        """The split of these examples only, int64 `[B]`; shares the store."""
        rows = indices if self.rows is None else self.rows[indices]
        names = [self.names[int(i)] for i in indices]
        return Split(self.store, self.y[indices], names, rows)

    def with_more(self, other: "Split") -> "Split":
        """The examples of both, these first. The store is shared where both have the same one, else they are copied."""
        mine, theirs = (np.arange(len(s)) if s.rows is None else s.rows for s in (self, other))
        same = self.store.ctypes.data == other.store.ctypes.data and self.store.shape == other.store.shape
        store = self.store if same else np.concatenate([self.store, other.store])
        rows = np.concatenate([mine, theirs + (0 if same else len(self.store))])
        return Split(store, np.concatenate([self.y, other.y]), [*self.names, *other.names], rows)
