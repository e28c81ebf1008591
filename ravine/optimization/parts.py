"""How weights are cut into the parts that a rule moves one after another.

A formula of ten operations passes over a large weight ten times, and each pass waits for memory. Cut into blocks that
fit the processor's cache, all but the first pass find their numbers there: Adam on 11 million weights takes 15 ms
instead of 45. Where torch has the formula as one fused pass (7 ms), whole rows go there.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import torch

BLOCK = 1 << 17  # elements; with gradient, memory and temporaries 3 MB
# A row of the matrix goes to a fused kernel from so many elements on: by its own length alone, so that a member of many
# meets the same arithmetic as one alone.
LONG = 1 << 15


class Part(NamedTuple):
    """Weights, their gradients, what the rule remembers of them, the settings; `fused`: for the rule's kernel."""

    w: torch.Tensor
    g: torch.Tensor
    state: dict[str, Any]
    group: dict[str, Any]
    fused: bool = False


class Slot(Protocol):
    """Where a parameter lies in a row of the matrix."""

    @property
    def start(self) -> int: ...
    @property
    def stop(self) -> int: ...
    @property
    def shape(self) -> Sequence[int]: ...


def of_parameter(rule: Any, whole: Part) -> Iterator[Part]:
    """Parts of one `nn.Parameter` of any shape: to a rule it is a population of one."""
    w, g, state, group, _ = whole
    if rule.whole:
        memory = {n: v.unsqueeze(0) if isinstance(v, torch.Tensor) else v for n, v in state.items()}
        yield Part(w.unsqueeze(0), g.unsqueeze(0), memory, group)
    elif _has_columns(group):
        yield from _blocks(whole, *w.shape) if w.dim() == 2 else (whole,)
    elif rule.kernel and _kernels_take(w) and _plain(whole):
        yield whole._replace(group=_numbers(group), fused=True)
    elif w.numel() > BLOCK and _plain(whole):
        yield from _blocks(Part(w.view(-1), g.view(-1), _each(state, lambda v: v.view(-1)), group), 1, w.numel())
    else:
        yield whole


def of_matrix(layout: Iterable[Slot], first: int = 0) -> Callable[[Any, Part], Iterator[Part]]:
    """The function that gives the parts of a matrix `[K, P]`: whole parameters, rows for a kernel, or blocks.

    Of a matrix that was cut out of a wider one, `first` is the column of that at which it begins.
    """

    def parts(rule: Any, whole: Part) -> Iterator[Part]:
        w, _, _, group, _ = whole
        rows, columns = w.shape
        if rule.whole:
            for slot in (slot for slot in layout if slot.start < first + columns and slot.stop > first):
                yield Part(*(_parameter(value, columns, slot, first) for value in whole[:4]))
        elif rule.kernel and _rows_are_for_it(whole):
            for k in range(rows):
                yield _row_of(whole, k)._replace(fused=True)
        elif w.dtype != torch.float64 and _in_formula(group):
            # 1 - beta of a column, in the weights' precision, is rounded elsewhere than that of a number
            for k in range(rows):
                yield from _blocks(_row_of(whole, k), 1, columns)
        else:
            yield from _blocks(whole, rows, columns)

    return parts


def cut_out(whole: Part, start: int, stop: int) -> Part:
    """Columns `start` to `stop` of a matrix: of weights, gradients, memory, and of the settings that are as wide."""
    columns = whole.w.shape[-1]
    return Part(*(_columns(value, columns, start, stop) for value in whole[:4]))


def _blocks(whole: Part, rows: int, columns: int) -> Iterator[Part]:
    width = max(1, BLOCK // rows)
    if width >= columns:
        yield whole
        return
    for start in range(0, columns, width):
        yield cut_out(whole, start, start + width)


def _has_columns(group: dict[str, Any]) -> bool:
    return any(isinstance(value, torch.Tensor) and value.numel() > 1 for value in group.values())


def _in_formula(group: dict[str, Any]) -> bool:
    """Whether a setting that the formula reads, and not just the loop, differs between members."""
    return _has_columns({name: value for name, value in group.items() if name not in ("lr", "decay")})


def _numbers(group: dict[str, Any]) -> dict[str, Any]:
    """Settings that are tensors of one number as the number."""
    return {n: v.item() if isinstance(v, torch.Tensor) else v for n, v in group.items()}


def _plain(whole: Part) -> bool:
    """Whether all lies in memory as a list of numbers of one type."""
    w, g, state, _, _ = whole
    tensors = (w, g, *(value for value in state.values() if isinstance(value, torch.Tensor) and value.dim()))
    return all(tensor.is_contiguous() and tensor.dtype == w.dtype for tensor in tensors)


def _kernels_take(w: torch.Tensor) -> bool:
    return w.device.type == "cpu" and w.dtype in (torch.float32, torch.float64)


def _rows_are_for_it(whole: Part) -> bool:
    """Whether a kernel takes each row: the rows of what was cut out lie in memory apart, but each in one piece."""
    w, group = whole.w, whole.group
    fit = w.shape[1] >= LONG and _kernels_take(w) and _one_number_a_row(group, len(w))
    return fit and _plain(_row_of(whole, 0))


def _one_number_a_row(group: dict[str, Any], rows: int) -> bool:
    shapes = (value.shape for name, value in group.items() if isinstance(value, torch.Tensor) and name != "decay")
    return all(shape in ((), (1,), (rows, 1)) for shape in shapes)


def _each(values: dict[str, Any], change: Callable[[torch.Tensor], Any]) -> dict[str, Any]:
    return {n: change(v) if isinstance(v, torch.Tensor) and v.dim() else v for n, v in values.items()}


def _row_of(whole: Part, k: int) -> Part:
    """Row k: of a setting that is a `[K, 1]` column its number."""
    rows = len(whole.w)

    def setting(value: torch.Tensor) -> Any:
        if value.numel() == 1:
            return value.item()
        if value.dim() == 2 and value.shape[0] == rows:
            return value[k].item() if value.shape[1] == 1 else value[k]
        return value

    return Part(whole.w[k], whole.g[k], _each(whole.state, lambda v: v[k]), _each(whole.group, setting))


def _columns(value: Any, columns: int, start: int, stop: int) -> Any:
    """Columns start..stop of whatever has as many columns as the matrix; the rest as it is."""
    if isinstance(value, dict):
        return {name: _columns(inner, columns, start, stop) for name, inner in value.items()}
    wide = isinstance(value, torch.Tensor) and value.dim() and value.shape[-1] == columns
    return value[..., start:stop] if wide else value


def _parameter(value: Any, columns: int, slot: Slot, first: int) -> Any:
    """`[K, P]` to `[K, *shape]` of one parameter, and settings `[K, 1]` or `[P]` to what broadcasts against it."""
    if isinstance(value, dict):
        return {name: _parameter(inner, columns, slot, first) for name, inner in value.items()}
    if not isinstance(value, torch.Tensor) or not value.dim():
        return value
    if value.shape[-1] == columns:
        value = value[..., slot.start - first : slot.stop - first]
        return value.unflatten(-1, tuple(slot.shape)) if slot.shape else value.squeeze(-1)
    return value.view(*value.shape[:-1], *[1] * len(slot.shape))
