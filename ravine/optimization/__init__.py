"""Chapter 1: update rules, schedules and clipping."""

from ravine.optimization.adam import Adam
from ravine.optimization.clipping import clip_by_norm
from ravine.optimization.momentum import Momentum
from ravine.optimization.rule import Rule, Stepper
from ravine.optimization.schedules import Schedule, constant, one_cycle
from ravine.optimization.sgd import SGD

RULES = {"sgd": SGD, "momentum": Momentum, "adam": Adam}
SCHEDULES = {"constant": constant, "one_cycle": one_cycle}

__all__ = [
    "RULES",
    "SCHEDULES",
    "SGD",
    "Adam",
    "Momentum",
    "Rule",
    "Schedule",
    "Stepper",
    "clip_by_norm",
    "constant",
    "one_cycle",
]
