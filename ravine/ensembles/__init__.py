"""Chapter 2: ensembles. Several networks, one answer; what it gains, and cheaper roads to the same gain."""

from ravine.ensembles.answers import Answers
from ravine.ensembles.vote import vote

__all__ = ["Answers", "vote"]
