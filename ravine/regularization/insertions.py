"""Which piece belongs where: `insert(model, "dropout(0.5), stochastic_depth(0.1)")`.

Works on ravine's networks and, by name, on those of timm and torchvision (see `places`); parameters keep their names
and their values.
"""

from collections.abc import Callable

from torch import nn

from ravine import spec
from ravine.errors import UsageError
from ravine.regularization import places
from ravine.regularization.attaching import after, before, on_weight
from ravine.regularization.checks import check_number, check_share
from ravine.regularization.dropconnect import DropConnect
from ravine.regularization.dropout import Dropout
from ravine.regularization.gaussian_dropout import GaussianDropout
from ravine.regularization.spatial_dropout import SpatialDropout
from ravine.regularization.stochastic_depth import StochasticDepth, linear_decay


def dropout(model: nn.Module, p: float = 0.5) -> None:
    """Before the head: behind the last batch norm, where its mean and variance harm nothing."""
    before(places.head(model), Dropout(p))


def gaussian_dropout(model: nn.Module, p: float = 0.5) -> None:
    """Before the head, as dropout."""
    before(places.head(model), GaussianDropout(p))


def spatial_dropout(model: nn.Module, p: float = 0.1) -> None:
    """After each stage."""
    for stage in places.stages(model):
        after(stage, SpatialDropout(p))


def dropconnect(model: nn.Module, p: float = 0.5) -> None:
    """On the weights of the head."""
    on_weight(places.head(model), DropConnect(p))


def stochastic_depth(model: nn.Module, p: float = 0.1) -> None:
    """In every residual branch: the last block with probability p, those before by `linear_decay`."""
    found = places.branches(model)
    for (block, names), share in zip(found, linear_decay(check_share("StochasticDepth", p), len(found)), strict=True):
        for name in names:
            setattr(block, name, StochasticDepth(share).train(block.training))


def norm_momentum(model: nn.Module, momentum: float = 0.1) -> None:
    """On every batch norm: the share of the newest batch in the running mean and variance.

        mean <- (1 - momentum) mean + momentum mean of the batch

    torch's convention and default, above 0 and up to 1. Lower ones average over more batches and know less of the
    present weights; they change evaluation only, for a training step uses its own batch. (Ioffe and Szegedy 2015)
    """
    if momentum == 0:
        raise UsageError("momentum cannot be 0", where="norm_momentum", expected="a number above 0, up to 1")
    check_number("norm_momentum", "momentum", momentum, 0.0, 1.0, "a number above 0, up to 1")
    for norm in places.norms(model):
        norm.momentum = momentum


INSERTIONS: dict[str, Callable[..., None]] = {
    "dropout": dropout,
    "gaussian_dropout": gaussian_dropout,
    "spatial_dropout": spatial_dropout,
    "dropconnect": dropconnect,
    "stochastic_depth": stochastic_depth,
    "norm_momentum": norm_momentum,
}


def insert(model: nn.Module, pieces: str, *, flag: str = "regularize") -> None:
    """Puts pieces of `INSERTIONS` where they belong in a network that is built already.

    Args:
        model: is changed in place; nothing is drawn.
        pieces: names with their settings, separated by commas: "dropout(0.5), stochastic_depth(0.1)".
        flag: what error messages call it.

    Raises:
        UsageError: an unknown name or setting, a value out of range, a network without a place for a piece.
    """
    for piece in spec.parse_list(pieces, flag=flag):
        put, settings = spec.bind(piece, INSERTIONS, flag=flag, given={"model": model})
        try:
            put(**settings)
        except UsageError as error:
            where = f"{flag} {str(piece)!r}"
            raise UsageError(error.what, where=where, expected=error.expected, cure=error.cure) from None
