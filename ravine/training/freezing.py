"""A member of several whose loss or gradient is not finite stays as it was; the others go on as if it had not been.

A rule works on the whole matrix at once, so what it does to a frozen member's row is undone. While nobody is frozen
that costs nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch

from ravine.errors import NonFiniteLossError
from ravine.population import Population
from ravine.training.position import Frozen, Position


def freeze_lost(
    position: Position,
    population: Population,
    statistics: dict[str, torch.Tensor],
    losses: torch.Tensor,
    penalties: torch.Tensor | None,
    norms: torch.Tensor,
    on_freeze: Callable[[Frozen], None] | None = None,
) -> None:
    """Freezes the members whose loss or gradient is not finite, and drops what the step brought all that are frozen.

    Args:
        position: where the step is; notes them.
        population: its gradients and statistics of frozen members become 0 and those before the step.
        statistics: the population's buffers before the step.
        losses, norms: `[K]`; those of frozen members become NaN.
        penalties: `[K]`, if any.
        on_freeze: called with each member that freezes now.

    Raises:
        NonFiniteLossError: nobody is left; the buffers are those before the step.
    """
    whole = losses if penalties is None else losses + penalties
    lost = _lost(whole + norms, position.frozen)
    if len(lost) + len(position.frozen) == len(losses):
        for name, buffer in population.buffers.items():
            buffer.copy_(statistics[name])
        raise _not_finite(position, lost[0], whole, norms)
    now = [Frozen(k, position.epoch + 1, position.step + 1, _why(whole[k], norms[k])) for k in lost]
    position.frozen += now
    rows = [frozen.member for frozen in position.frozen]
    if rows:
        population.grads[rows] = 0.0
        losses[rows], norms[rows] = torch.nan, torch.nan
        for name, buffer in population.buffers.items():
            buffer[rows] = statistics[name][rows]
    for frozen in now if on_freeze else ():
        on_freeze(frozen)  # pyright: ignore[reportOptionalCall]


@contextmanager
@torch.no_grad()
def held(matrices: Iterable[torch.Tensor], frozen: Sequence[Frozen]) -> Iterator[None]:
    """Inside the block the matrices `[K, ...]` may change; after it the frozen members' rows are as before."""
    rows = [f.member for f in frozen]
    kept = [(matrix, matrix[rows]) for matrix in matrices] if rows else []
    yield
    for matrix, before in kept:
        matrix[rows] = before


def _lost(values: torch.Tensor, frozen: Sequence[Frozen]) -> list[int]:
    """Who of the others has a number among `values` `[K]` that is not finite; one look at the device, as a rule."""
    sound = values.isfinite()
    if frozen:
        sound[[f.member for f in frozen]] = True
    return [] if sound.all() else (~sound).nonzero().flatten().tolist()


def _why(loss: torch.Tensor, norm: torch.Tensor) -> str:
    return f"gradient norm {float(norm):.4g}" if loss.isfinite() else f"loss {float(loss):.4g}"


def _not_finite(position: Position, k: int, losses: torch.Tensor, norms: torch.Tensor) -> NonFiniteLossError:
    return NonFiniteLossError(
        f"loss {float(losses[k]):.4g}, gradient norm {float(norms[k]):.4g}; the update was not applied",
        where=f"epoch {position.epoch + 1}, step {position.step + 1}, member {k}",
        expected="finite numbers",
        cure="Train with a lower --lr, or with --clip 1",
    )
