"""Chapter 1: update rules, schedules, clipping, and what wraps a rule (averages of the weights, SAM)."""

from ravine.optimization.adagrad import AdaGrad
from ravine.optimization.adam import Adam
from ravine.optimization.adamax import Adamax
from ravine.optimization.adamw import AdamW
from ravine.optimization.adaptive_clipping import clip_adaptive, clip_units
from ravine.optimization.averaging import Average
from ravine.optimization.batch_statistics import recompute_statistics
from ravine.optimization.clipping import clip_by_norm, clip_by_value
from ravine.optimization.ema import EMA
from ravine.optimization.hard_examples import HardExamples
from ravine.optimization.lion import Lion
from ravine.optimization.lookahead import Lookahead
from ravine.optimization.lr_finder import lr_find
from ravine.optimization.lr_suggestion import Suggestion
from ravine.optimization.momentum import Momentum
from ravine.optimization.muon import Muon
from ravine.optimization.nadam import NAdam
from ravine.optimization.plateau import Plateau
from ravine.optimization.range_test import RangeTest, Sweep
from ravine.optimization.rmsprop import RMSProp
from ravine.optimization.rule import Rule
from ravine.optimization.sam import SAM, ascended
from ravine.optimization.schedules import (
    Schedule,
    constant,
    cosine,
    cosine_restarts,
    inverse_sqrt,
    join,
    linear,
    one_cycle,
    step,
    warmup,
)
from ravine.optimization.sgd import SGD
from ravine.optimization.stepper import Stepper, Stretch
from ravine.optimization.swa import SWA

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
SCHEDULES = {
    "constant": constant,
    "warmup": warmup,
    "step": step,
    "linear": linear,
    "cosine": cosine,
    "cosine_restarts": cosine_restarts,
    "one_cycle": one_cycle,
    "inverse_sqrt": inverse_sqrt,
    "plateau": Plateau,
}
CLIPS = {"norm": clip_by_norm, "value": clip_by_value, "adaptive": clip_adaptive}
AVERAGES = {"ema": EMA, "swa": SWA, "lookahead": Lookahead}
FOCUSES = {"hard": HardExamples}

__all__ = [
    "AVERAGES",
    "CLIPS",
    "EMA",
    "FOCUSES",
    "RULES",
    "SAM",
    "SCHEDULES",
    "SGD",
    "SWA",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Average",
    "Lion",
    "Lookahead",
    "Momentum",
    "Muon",
    "NAdam",
    "Plateau",
    "RMSProp",
    "RangeTest",
    "Rule",
    "Schedule",
    "Stepper",
    "Stretch",
    "Suggestion",
    "Sweep",
    "ascended",
    "clip_adaptive",
    "clip_by_norm",
    "clip_by_value",
    "clip_units",
    "constant",
    "cosine",
    "cosine_restarts",
    "inverse_sqrt",
    "join",
    "linear",
    "lr_find",
    "one_cycle",
    "recompute_statistics",
    "step",
    "warmup",
]
