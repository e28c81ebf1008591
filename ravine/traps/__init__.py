"""Traps that a training can be in: what the lecture warns of, seen in the numbers of each epoch, with one remedy."""

from ravine.traps.capacity import more_capacity, twice_as_long
from ravine.traps.dead_units import dead_units
from ravine.traps.gradient_flow import gradient_flow
from ravine.traps.notes import notes
from ravine.traps.trap import Facts, Trap
from ravine.traps.watch import Watch, found

__all__ = ["Facts", "Trap", "Watch", "dead_units", "found", "gradient_flow", "more_capacity", "notes", "twice_as_long"]
