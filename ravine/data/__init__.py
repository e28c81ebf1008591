"""Data: folders, zips, arrays and the embedded digits; the check; the decode-once cache; honest splits; batches.

torch is not imported before the first draw, so that `ravine check` starts at once.
"""

from ravine.data.arrays import examples
from ravine.data.balance import balanced_order, class_weights
from ravine.data.batches import order, steps
from ravine.data.dataset import Dataset
from ravine.data.decoding import decode
from ravine.data.findings import Findings
from ravine.data.loading import check, load
from ravine.data.preprocessing import Preprocessing, Side, Size, preprocess
from ravine.data.sources import location, name_of
from ravine.data.split import Split
from ravine.data.splits import cut, with_validation
from ravine.data.tree import EXTENSIONS, is_ignored

__all__ = [
    "EXTENSIONS",
    "Dataset",
    "Findings",
    "Preprocessing",
    "Side",
    "Size",
    "Split",
    "balanced_order",
    "check",
    "class_weights",
    "cut",
    "decode",
    "examples",
    "is_ignored",
    "load",
    "location",
    "name_of",
    "order",
    "preprocess",
    "steps",
    "with_validation",
]
