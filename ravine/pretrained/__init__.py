"""Pretrained weights of any making as one thing, a `Start`: read, kept in a run's folder, put into a network."""

from ravine.pretrained.as_it_is import as_trained, data_for, order_said, refuse_uncounted
from ravine.pretrained.learned import CUT, Learned, learned_by
from ravine.pretrained.normalizing import normalization_named
from ravine.pretrained.sources import is_foreign, start_from
from ravine.pretrained.start import Start, load_start
from ravine.pretrained.start_file import read_start, write_start

__all__ = [
    "CUT",
    "Learned",
    "Start",
    "as_trained",
    "data_for",
    "is_foreign",
    "learned_by",
    "load_start",
    "normalization_named",
    "order_said",
    "read_start",
    "refuse_uncounted",
    "start_from",
    "write_start",
]
