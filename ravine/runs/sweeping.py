"""Settings that differ between members: what `--sweep` asks for, the members that it takes, and their columns.

    lr=[1e-3, 3e-3], l2=[0, 5e-4]      a grid of values
    lr=1e-4..1e-2                      a range, evenly spaced in the logarithm (from 0 on: evenly); as many as fit
    lr=1e-4..1e-2:8                    eight values of it

Every value is trained by the same members: they have equal initial weights, orders and augmentation, so that what
differs is the value. Member v S + s of the population is value v on seed s, of S.
"""

import inspect
import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import torch

from ravine import spec
from ravine.errors import UsageError, did_you_mean
from ravine.optimization import RULES
from ravine.recipe import Recipe
from ravine.regularization import PENALTIES
from ravine.runs.regularizing import pieces
from ravine.runs.sweep_text import is_open, pieces_of, values_of

SEEDS = 3  # of each value, where the number of members is left open
_VALUES = 5  # of a range, where both are: half a decade apart over two decades
_SWEPT_PENALTIES = ("l1", "l2")


@dataclass(frozen=True)
class Sweep:
    """A grid of settings, and how many members train each of its cells.

    Attributes:
        axes: the values of each setting.
        seeds: S, members a cell.
    """

    axes: dict[str, tuple[float, ...]]
    seeds: int

    @property
    def cells(self) -> list[dict[str, float]]:
        """The settings of each value of the sweep, the last axis fastest."""
        return [dict(zip(self.axes, values, strict=True)) for values in product(*self.axes.values())]

    def members(self, cell: int) -> list[int]:
        """The members that train a cell."""
        return list(range(cell * self.seeds, (cell + 1) * self.seeds))

    def columns(self, device: torch.device | str = "cpu") -> dict[str, torch.Tensor]:
        """Each setting as a column `[K, 1]` float64, a row a member."""
        of_cells = torch.tensor([list(cell.values()) for cell in self.cells], dtype=torch.float64, device=device)
        of_members = of_cells.repeat_interleave(self.seeds, dim=0)
        return {name: of_members[:, i : i + 1].clone() for i, name in enumerate(self.axes)}

    def __str__(self) -> str:
        return ", ".join(f"{name}=[{', '.join(map(_short, values))}]" for name, values in self.axes.items())


def sweep_of(recipe: Recipe) -> Sweep | None:
    """The sweep of a recipe that `settled` gave, if any."""
    if not recipe.sweep:
        return None
    axes = {name: values_of(name, text) for name, text in pieces_of(recipe.sweep)}
    return Sweep(axes, recipe.members // math.prod(map(len, axes.values())))


def columns(recipe: Recipe, device: torch.device | str = "cpu") -> dict[str, torch.Tensor]:
    """The columns of the recipe's sweep; none where there is none."""
    sweep = sweep_of(recipe)
    return sweep.columns(device) if sweep else {}


def identities(recipe: Recipe) -> list[int]:
    """As whom each member draws, `[K]`: by its number or, in a sweep, by its seed's."""
    sweep = sweep_of(recipe)
    period = sweep.seeds if sweep else recipe.members
    return [recipe.first_member + k % period for k in range(recipe.members)]


def settled(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """The recipe with all values of its sweep spelled out and the members that they take; and that in words.

    Raises:
        UsageError: a sweep that cannot be: unreadable, of a setting that there is not or that is given elsewhere too,
            of values that cannot be, or of more values than members.
    """
    if not recipe.sweep.strip():
        return recipe.changed(sweep=""), []
    pieces = pieces_of(recipe.sweep)
    _refuse_names(recipe, [name for name, _ in pieces])
    open_ranges = [name for name, text in pieces if is_open(text)]
    if len(open_ranges) > 1:
        cure = f"Say how many values: {open_ranges[0]}=low..high:3"
        raise UsageError("two ranges without a number of values", where=_where(recipe), cure=cure)
    axes = {name: values_of(name, text) for name, text in pieces if name not in open_ranges}
    others = math.prod(map(len, axes.values()))
    count, seeds = _shape(recipe, others) if open_ranges else (1, _seeds(recipe, others))
    axes = {name: axes[name] if name in axes else values_of(name, text, count) for name, text in pieces}
    sweep = Sweep(axes, seeds)
    cells = len(sweep.cells)
    if cells < 2:
        raise UsageError("one value is no sweep", where=_where(recipe), expected="two or more")
    for name, column in sweep.columns().items():
        if name in PENALTIES:
            with spec.blaming(spec.Spec(name), f"--sweep {recipe.sweep!r},"):
                PENALTIES[name](column)
    members = "one seed each" if seeds == 1 else f"{seeds} seeds each, the same for all"
    said = f"sweep {sweep}: {cells} values, {members} = {cells * seeds} members"
    return recipe.changed(sweep=str(sweep), members=cells * seeds), [said]


def _shape(recipe: Recipe, others: int) -> tuple[int, int]:
    """How many values of an open range, and how many seeds each, beside `others` cells of the other axes."""
    each = recipe.members // others
    if recipe.members == 1:
        return _VALUES, SEEDS
    if recipe.members % others or each < 2:
        expected = f"a multiple of {others}, {2 * others} or more"
        raise UsageError(f"{recipe.members} members", where=_where(recipe), expected=f"--members {expected}")
    if each < 4:
        return each, 1
    if each % 2:
        cure = f"Take {(each - 1) * others} or {(each + 1) * others}, or say how many values: low..high:{each}"
        raise UsageError(f"{each} members for a range, 2 seeds a value", where=_where(recipe), cure=cure)
    return each // 2, 2


def _seeds(recipe: Recipe, cells: int) -> int:
    if recipe.members == 1:
        return SEEDS
    if recipe.members % cells:
        found = f"{recipe.members} members for {cells} values"
        raise UsageError(found, where=_where(recipe), expected=f"--members a multiple of {cells}")
    return recipe.members // cells


def _refuse_names(recipe: Recipe, names: Iterable[str]) -> None:
    """Raises UsageError for a setting that cannot be swept, or that is given elsewhere too."""
    optimizer = spec.parse("adam" if recipe.optimizer == "auto" else recipe.optimizer, flag="--optimizer")
    rule, given = spec.bind(optimizer, RULES, flag="--optimizer", given={"params": None})
    numbers = [p.name for p in inspect.signature(rule).parameters.values() if isinstance(p.default, float)]
    penalties = pieces(recipe).keys()
    for name in names:
        if name not in (*numbers, *_SWEPT_PENALTIES):
            cure = did_you_mean(name, [*numbers, *_SWEPT_PENALTIES])
            raise UsageError(f"{name} cannot be swept with {optimizer.name}", where=_where(recipe), cure=cure)
        elsewhere = "--optimizer" if name in given else "--regularize" if name in penalties else ""
        elsewhere = "--lr" if name == "lr" and recipe.lr != "auto" else elsewhere
        if elsewhere:
            what = f"{name} is swept and given in {elsewhere}"
            raise UsageError(what, where=_where(recipe), expected="one of the two")


def _where(recipe: Recipe) -> str:
    return f"--sweep {recipe.sweep!r}"


def _short(value: float) -> str:
    return repr(int(value)) if value == int(value) and abs(value) < 1e6 else repr(value)
