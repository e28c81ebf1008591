"""The one small grammar for choosing a piece and its settings: on the command line, in TOML and in reports.

    momentum(rho=0.9, nesterov=true)      one piece: a name, then numbers, strings, booleans or lists of them
    flip, translate(4), jitter(0.2)       several, separated by commas

Only literals are read; nothing is ever evaluated or imported.
"""

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ravine.errors import UsageError, did_you_mean

_WORDS = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class Spec:
    """A name with its settings; `str(spec)` is the text that `parse` reads back."""

    name: str
    args: tuple[Any, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        inside = [_literal(a) for a in self.args] + [f"{k}={_literal(v)}" for k, v in self.settings.items()]
        return f"{self.name}({', '.join(inside)})" if inside else self.name

    def with_settings(self, **settings: Any) -> "Spec":
        """The same piece with these settings changed or added."""
        return Spec(self.name, self.args, {**self.settings, **settings})


def parse(text: str, *, flag: str = "spec") -> Spec:
    """`"adam(lr=5e-4)"` -> `Spec("adam", (), {"lr": 5e-4})`.

    Raises:
        UsageError: the text is not one name with literal settings; names `flag`.
    """
    specs = parse_list(text, flag=flag)
    if len(specs) != 1:
        raise UsageError(
            f"{len(specs)} pieces given", where=f"{flag} {text!r}", expected="one, such as name(setting=1)"
        )
    return specs[0]


def parse_list(text: str, *, flag: str = "spec") -> list[Spec]:
    """`"flip, translate(4)"` -> two specs; `""` and `"none"` -> none. Raises as `parse`."""
    if text.strip().lower() in ("", "none"):
        return []
    try:
        node = ast.parse(f"[{text}]", mode="eval").body
        if not isinstance(node, ast.List):
            raise ValueError
        return [_read(element) for element in node.elts]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        example = "name or name(setting=value), such as momentum(rho=0.9, nesterov=true)"
        raise UsageError("cannot be read", where=f"{flag} {text!r}", expected=example) from None


def build(spec: Spec, table: Mapping[str, Callable[..., Any]], *, flag: str = "spec", **given: Any) -> Any:
    """Calls `table[spec.name]` with the spec's settings and with `given`, which the user cannot set.

    Raises:
        UsageError: unknown name, unknown or missing setting; each says what there is.
    """
    piece, settings = bind(spec, table, flag=flag, given=given)
    with blaming(spec, flag):
        return piece(**settings)


@contextmanager
def blaming(spec: Spec, flag: str) -> Iterator[None]:
    """Inside the block a refusal says which flag it was."""
    try:
        yield
    except UsageError as error:
        raise UsageError(error.what, where=f"{flag} {str(spec)!r}", expected=error.expected, cure=error.cure) from None


def bind(
    spec: Spec, table: Mapping[str, Callable[..., Any]], *, flag: str = "spec", given: Mapping[str, Any] | None = None
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The piece that `spec` names and its settings by name, not yet called. Raises as `build`."""
    given = given or {}
    if spec.name not in table:
        raise UsageError(f"unknown name {spec.name!r}", where=flag, cure=did_you_mean(spec.name, table))
    piece = table[spec.name]
    open_settings = [name for name in inspect.signature(piece).parameters if name not in given]
    where = f"{flag} {str(spec)!r}"
    for name in spec.settings:
        if name not in open_settings:
            raise UsageError(
                f"{spec.name} has no setting {name!r}", where=where, cure=did_you_mean(name, open_settings)
            )
    settings = dict(zip(open_settings, spec.args, strict=False))
    if len(spec.args) > len(open_settings) or settings.keys() & spec.settings.keys():
        listed = ", ".join(open_settings) or "no settings"
        raise UsageError("too many values", where=where, expected=f"{spec.name}: {listed}")
    settings.update(spec.settings)
    try:
        inspect.signature(piece).bind(**settings, **given)
    except TypeError as error:
        raise UsageError(str(error), where=where, expected=f"{spec.name}: {', '.join(open_settings)}") from None
    return piece, {**settings, **given}


def _read(node: ast.expr) -> Spec:
    if isinstance(node, ast.Name):
        return Spec(node.id)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError
    settings = {}
    for keyword in node.keywords:
        if keyword.arg is None or keyword.arg in settings:
            raise ValueError
        settings[keyword.arg] = _value(keyword.value)
    return Spec(node.func.id, tuple(_value(a) for a in node.args), settings)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id.lower() in _WORDS:
        return _WORDS[node.id.lower()]
    value = ast.literal_eval(node)
    if not isinstance(value, int | float | str | bool | list | tuple | type(None)):
        raise ValueError
    return value


def _literal(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)
