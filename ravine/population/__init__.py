"""K members of one architecture in one weight matrix, and the ways to run them."""

from ravine.population.forward import WAYS, Forward, fastest_way, forward
from ravine.population.weights import Population, Slot

__all__ = ["WAYS", "Forward", "Population", "Slot", "fastest_way", "forward"]
