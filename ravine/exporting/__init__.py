"""One file out: a trained network, or K of them and their vote, for places where ravine is not."""

from ravine.exporting.exported import Exported, export
from ravine.exporting.member import member

__all__ = ["Exported", "export", "member"]
