"""Chapter 2: ensembles. Several networks, one answer; what it gains, and cheaper roads to the same gain."""

from ravine.ensembles.answers import Answers
from ravine.ensembles.by_size import Size, by_size
from ravine.ensembles.calibration import temperature, tempered
from ravine.ensembles.costs import Costs
from ravine.ensembles.difference import Difference, difference
from ravine.ensembles.distillation import distillation_loss, softened, teacher_losses
from ravine.ensembles.diversity import disagreement, error_correlation
from ravine.ensembles.dropout_masks import dropout_modules, fixed_mask
from ravine.ensembles.folds import folds
from ravine.ensembles.gain import Gain, gain
from ravine.ensembles.mask_report import MaskReport, mask_report
from ravine.ensembles.mc_dropout import mc_dropout
from ravine.ensembles.reliability import Reliability, reliability
from ravine.ensembles.report import EnsembleReport, report
from ravine.ensembles.scores import brier, log_losses
from ravine.ensembles.selection import greedy
from ravine.ensembles.snapshots import Snapshots, cycle_ends
from ravine.ensembles.soup import greedy_soup, uniform_soup
from ravine.ensembles.uncertainty import Uncertainty, uncertainty
from ravine.ensembles.vote import vote

__all__ = [
    "Answers",
    "Costs",
    "Difference",
    "EnsembleReport",
    "Gain",
    "MaskReport",
    "Reliability",
    "Size",
    "Snapshots",
    "Uncertainty",
    "brier",
    "by_size",
    "cycle_ends",
    "difference",
    "disagreement",
    "distillation_loss",
    "dropout_modules",
    "error_correlation",
    "fixed_mask",
    "folds",
    "gain",
    "greedy",
    "greedy_soup",
    "log_losses",
    "reliability",
    "mask_report",
    "mc_dropout",
    "report",
    "softened",
    "teacher_losses",
    "temperature",
    "tempered",
    "uncertainty",
    "uniform_soup",
    "vote",
]
