"""Chapter 1: update rules, schedules, clipping, and what wraps a rule (averages of the weights, SAM)."""

from ravine.optimization.adagrad import AdaGrad
from ravine.optimization.adam import Adam
from ravine.optimization.adamax import Adamax
from ravine.optimization.adamw import AdamW
from ravine.optimization.clipping import clip_by_norm
from ravine.optimization.lion import Lion
from ravine.optimization.momentum import Momentum
from ravine.optimization.muon import Muon
from ravine.optimization.nadam import NAdam
from ravine.optimization.rmsprop import RMSProp
from ravine.optimization.rule import Rule
from ravine.optimization.schedules import Schedule, constant, one_cycle
from ravine.optimization.sgd import SGD
from ravine.optimization.stepper import Stepper

RULES = {
    "sgd": SGD,
    "momentum": Momentum,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
    "adamax": Adamax,
    "nadam": NAdam,
    "lion": Lion,
    "muon": Muon,
}
SCHEDULES = {"constant": constant, "one_cycle": one_cycle}

__all__ = [
    "RULES",
    "SCHEDULES",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Momentum",
    "Muon",
    "NAdam",
    "RMSProp",
    "Rule",
    "Schedule",
    "Stepper",
    "clip_by_norm",
    "constant",
    "one_cycle",
]
