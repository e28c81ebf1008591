"""Chapter 4: transfer learning. A network as a row of blocks: what of it is kept, what is trained, what it knows."""

from ravine.transfer.block_features import block_features, pooled
from ravine.transfer.blocks import Block, blocks, classifier
from ravine.transfer.choosing import chosen
from ravine.transfer.cka import cka
from ravine.transfer.cutting import features, separable, tail
from ravine.transfer.freezing import freeze, unfreeze
from ravine.transfer.head import put_head
from ravine.transfer.knn import NearestNeighbours, nearest_neighbours
from ravine.transfer.layer_rates import layer_rates
from ravine.transfer.modes import evaluating, set_modes
from ravine.transfer.pretrained import Match, aligned, fitted, load_into
from ravine.transfer.probe import LinearProbe, Strength, linear_probe
from ravine.transfer.state_dict import read_state_dict
from ravine.transfer.timetable import Cell, Line, table
from ravine.transfer.unfreezing import Span, Unfreezing, spans, unfreezing

__all__ = [
    "Block",
    "Cell",
    "Line",
    "LinearProbe",
    "Match",
    "NearestNeighbours",
    "Span",
    "Strength",
    "Unfreezing",
    "aligned",
    "block_features",
    "blocks",
    "chosen",
    "cka",
    "classifier",
    "evaluating",
    "features",
    "fitted",
    "freeze",
    "layer_rates",
    "linear_probe",
    "load_into",
    "nearest_neighbours",
    "pooled",
    "put_head",
    "read_state_dict",
    "separable",
    "set_modes",
    "spans",
    "table",
    "tail",
    "unfreeze",
    "unfreezing",
]
