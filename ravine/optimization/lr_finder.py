"""The range test for anybody's PyTorch loop: on copies, so that what it is given stays as it was, bit by bit.

    test = lr_find(model, optimizer, loader, torch.nn.functional.cross_entropy)
    print(test.suggestion.lr, test.suggestion.reason)
    test.plot().show()

What the range test is stands in range_test.py, how a rate is chosen from its curve in lr_suggestion.py.
"""

import copy
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from ravine import draws
from ravine.errors import UsageError
from ravine.optimization.range_test import RangeTest, Sweep


def lr_find(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Iterable[Any],
    criterion: Callable[[Any, Any], torch.Tensor],
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 400,
    default: float | None = None,
    seed: int = 0,
) -> RangeTest:
    """Trains a copy of `model` for `steps` steps while the rate grows from `low` to `high`.

    Model, buffers, gradients, optimizer, the loader's and all global generators are afterwards as before, bit by bit.
    Equal seeds give equal curves. The copy trains even where the model is in eval mode; parts in eval mode of a model
    that is not (frozen batch norm) stay so.

    Args:
        model: maps `x` to outputs; `x` and `y` are moved to its device.
        optimizer: any `torch.optim.Optimizer` on the model's parameters, new or well under way. The rate is that of its
            first group that has one above 0, and the other groups keep their ratio to it. Its hooks are not called.
        batches: of `(x, y)`, a `DataLoader` or a list; gone through again where there are fewer than `steps`.
        criterion: outputs and `y` to the mean loss.
        low, high: first and last rate.
        steps: mini-batches, 20 or more.
        default: the rate to take where the curve shows no valley; the optimizer's present one where None.
        seed: of all that is drawn meanwhile.

    Raises:
        UsageError: no optimizer, no rate above 0, no batches, an iterator that would be used up, a range that is none,
            or a criterion that reaches into the model, which must not change.
    """
    if isinstance(batches, Iterator):
        expected = "what can be gone through again: a DataLoader, a list"
        raise UsageError("an iterator would be used up", where="lr_find", expected=expected)
    sweep, (rate_now, ratios) = Sweep(low, high, steps), _rates(optimizer)
    before = _versions(model, optimizer)
    with _generators_kept(batches), draws.seeded(seed, 0, "lr_find"):
        value = draws.number(seed, 0, "lr_find") % 2**32
        random.seed(value)
        np.random.seed(value)  # noqa: NPY002 - for data sets that draw from the global generator
        twin, its_optimizer, its_criterion = _copies(model, optimizer, criterion)
        for rate, batch in zip(sweep, _endless(batches), strict=False):
            for group, ratio in zip(its_optimizer.param_groups, ratios, strict=True):
                _set_rate(group, rate * ratio)
            sweep.record(_step(twin, its_optimizer, batch, its_criterion))
    if _versions(model, optimizer) != before:
        found = "the criterion reaches into the model, and has changed its gradients or buffers"
        cure = "Copy the model and record with a Sweep"
        raise UsageError(found, where="lr_find", expected="a function of the outputs and y alone", cure=cure)
    return sweep.result(rate_now if default is None else default)


def _rates(optimizer: torch.optim.Optimizer) -> tuple[float, list[float]]:
    """The rate of the first group that has one above 0, and each group's ratio to it."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        expected = "a torch.optim.Optimizer"
        raise UsageError(f"optimizer is a {type(optimizer).__name__}", where="lr_find", expected=expected)
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    if not any(rates):
        raise UsageError("the optimizer's rate is 0", where="lr_find", expected="a group with a rate above 0")
    first = next(rate for rate in rates if rate)
    return first, [rate / first for rate in rates]


def _set_rate(group: dict[str, Any], rate: float) -> None:
    if isinstance(group["lr"], torch.Tensor):  # compiled optimizers read the tensor itself
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


def _copies(model: nn.Module, optimizer: torch.optim.Optimizer, criterion: Any) -> tuple[Any, Any, Any]:
    """Copies that belong together: the optimizer's moves the model's. One that is in eval mode is in train mode."""
    memo: dict[int, Any] = {}
    twin = copy.deepcopy(model, memo)
    if not twin.training:
        twin.train()
    return twin, _copy_of(optimizer, memo), copy.deepcopy(criterion, memo)


def _copy_of(optimizer: torch.optim.Optimizer, memo: dict[int, Any]) -> torch.optim.Optimizer:
    """`deepcopy` leaves out all but settings, groups and state: what LBFGS keeps beside them, but also the hooks and
    the `step` that a scheduler has wrapped, which would step the original. Only the first is wanted back.
    """
    made = copy.deepcopy(optimizer, memo)
    for name, value in vars(optimizer).items():
        if name not in vars(made) and not callable(value):
            setattr(made, name, copy.deepcopy(value, memo))
    return made


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, batch: Any, criterion: Any) -> float:
    """One step on a mini-batch; returns its loss before the step."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise UsageError(f"a batch is a {type(batch).__name__}", where="lr_find", expected="pairs (x, y)")
    device = next(model.parameters()).device
    x, y = (part.to(device) if isinstance(part, torch.Tensor) else part for part in batch)

    def closure() -> float:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        return float(loss.detach())

    return float(optimizer.step(closure))  # with a closure, since some optimizers (LBFGS) know no other way


def _endless(batches: Iterable[Any]) -> Iterator[Any]:
    while True:
        empty = True
        for batch in batches:
            empty = False
            yield batch
        if empty:
            raise UsageError("no batches", where="lr_find", expected="one or more pairs (x, y)")


@contextmanager
def _generators_kept(batches: Any) -> Iterator[None]:
    """After the block Python's and numpy's global generators and those of a loader are as before (torch's: draws)."""
    owners = (batches, getattr(batches, "sampler", None), getattr(batches, "batch_sampler", None))
    found = [getattr(owner, "generator", None) for owner in owners]
    generators = {id(generator): generator for generator in found if isinstance(generator, torch.Generator)}.values()
    states = [generator.get_state() for generator in generators]
    python, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpys)  # noqa: NPY002
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def _versions(model: nn.Module, optimizer: torch.optim.Optimizer) -> list[tuple[int, int]]:
    """Who all the tensors are that must not change, and how often each has been written to."""
    weights = [*model.parameters(), *(w for group in optimizer.param_groups for w in group["params"])]
    memory = (value for state in optimizer.state.values() for value in state.values())
    tensors = [*weights, *(w.grad for w in weights), *model.buffers(), *memory]
    return [(id(t), t._version) for t in tensors if isinstance(t, torch.Tensor)]
