"""A data set as several networks see it, each with its own preprocessing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ravine import data
from ravine.errors import DataError
from ravine.trained import Trained


@dataclass(frozen=True)
class Seen(data.Dataset):
    """The same examples with each preprocessing that is wanted: itself the first of these data sets, all in `seen`."""

    seen: tuple[data.Dataset, ...] = ()

    @staticmethod
    def of(datasets: Sequence[data.Dataset]) -> "Seen":
        """Joins data sets of different preprocessing. Raises DataError where they are not the same examples."""
        first = datasets[0]
        for other in datasets[1:]:
            same = other.classes == first.classes and other.splits.keys() == first.splits.keys()
            if not same or any(not np.array_equal(s.y, first.splits[name].y) for name, s in other.splits.items()):
                raise DataError("the networks see different examples", where=first.name, expected="the same labels")
        alike = {name: value for name, value in vars(first).items() if name != "seen"}
        return Seen(**alike, seen=tuple(datasets))


def seen_by(network: Trained, dataset: data.Dataset) -> data.Dataset:
    """The data set as this network sees it; any that is no `Seen` is taken as it is."""
    if not isinstance(dataset, Seen):
        return dataset
    return next((one for one in dataset.seen if one.preprocessing == network.preprocessing), dataset.seen[0])
