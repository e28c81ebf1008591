"""Chapter 1, seen from above: update rules race on losses of two weights, drawn as a page that plays or as a still.

    scene = race(surface, entrants)        # a Surface and rules -> a Scene: a field of losses, and racers on it
    page([scene, ...])                     # -> the text of one HTML file that needs nothing else
    still([scene])                         # -> the text of an SVG file

A `Scene` may come from elsewhere: whatever has a grid of losses over two directions and paths on it is drawn.
"""

from ravine.landscape.page import page
from ravine.landscape.race import Entrant, race
from ravine.landscape.scene import Racer, Scene, formula
from ravine.landscape.still import still
from ravine.landscape.surface import Surface
from ravine.landscape.surfaces import SURFACES

__all__ = ["SURFACES", "Entrant", "Racer", "Scene", "Surface", "formula", "page", "race", "still"]
