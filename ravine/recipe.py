"""The recipe: everything that defines a training. The same recipe on the same data gives the same network.

A field that says "auto" is decided from the data when the training starts; the run folder keeps what was decided.
"""

import math
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from ravine.errors import DataError, UsageError, did_you_mean

Auto = Literal["auto"]


@dataclass(frozen=True)
class Recipe:
    """All settings of a training, each with the flag of the same name."""

    model: str = "auto"
    """Network: mlp, convnet or resnet, with settings: "convnet(width=48)", "resnet(depth=34)"."""
    pretrained: str = "none"
    """Weights that the training starts from: a run, a weights file (.safetensors, .pth, .pt, .th), timm:NAME or
    hf-hub:NAME; ravine finetune sets it."""
    normalize: str = "auto"
    """What pixels are brought to: imagenet, half, data (the training images' own mean and deviation), or values(mean,
    std) with lists in 0..1; auto is what the pretrained weights are used to, else data."""
    keep: str = "all"
    """Blocks that are taken from the pretrained weights, others start anew: all, none, "all but head", "first 3", or
    names such as "stem, layer1"."""
    freeze: str = "none"
    """Blocks that are never trained, named likewise."""
    unfreeze_at: float | Auto = "auto"
    """Share of the training in which the head is trained alone; auto is 0.3 where pretrained weights get a new head
    and --freeze names nothing, else 0."""
    gradual: bool = False
    """Then unfreeze block after block, from the last to the first."""
    layer_decay: float | Auto = "auto"
    """What the rate is multiplied by from block to block, down from the head; auto is 0.8 with pretrained weights."""
    bn: Literal["auto", "frozen", "stats", "train"] = "auto"
    """Batch norm: frozen keeps all pretrained statistics; stats lets those of frozen blocks follow the new images;
    train trains its weights there too; auto keeps those of frozen blocks and trains the others."""
    head: Literal["auto", "linear", "mlp", "keep"] = "auto"
    """The layer for the classes: a new linear one, a new one with a hidden layer (mlp), or the pretrained one (keep),
    which auto takes where the classes are the same."""
    optimizer: str = "auto"
    """Update rule: sgd, momentum, adagrad, rmsprop, adam, adamw, adamax, nadam, lion or muon, with settings:
    "momentum(rho=0.9, nesterov=true)"."""
    lr: float | Auto = "auto"
    """Learning rate at the schedule's peak."""
    schedule: str = "auto"
    """How the rate moves: constant, warmup, step, linear, cosine, cosine_restarts, one_cycle, inverse_sqrt or plateau,
    with settings: "cosine(warmup=0.05)"."""
    epochs: int | Auto = "auto"
    """Passes over the training images; auto is what --budget has time for, or goes by their number."""
    budget: str = "auto"
    """Time for all of it, from the start of the command to its end: 30s, 5m, 2h; network, batch and epochs are chosen
    to fit this machine. auto picks one by the data, unless --epochs, --sweep or --snapshots is given; none goes by
    tables, not by the clock."""
    plan: str = ""
    """What --budget decided on its way, as recipe.toml keeps it: "0:1043, 412:980", at which step how many steps were
    planned in all. With it the same training is done again, without a clock."""
    batch: int | Auto = "auto"
    """Images in a step."""
    augment: str = "auto"
    """What is done to training images: none, light, standard, strong, or parts with settings: "flip, translate(4),
    rotate(15), jitter(0.2)" (ravine augment shows what they do); auto is light for colour images, else none."""
    regularize: str = "auto"
    """Against overfitting: dropout(0.5), spatial_dropout, gaussian_dropout, dropconnect, stochastic_depth(0.1),
    l2(5e-4), l2_sp(0.01) (toward the pretrained weights), l1, elastic, max_norm(3), weight_noise, label_smoothing(0.1),
    norm_momentum, early_stopping(5), or several: "dropout(0.5), label_smoothing(0.1)"."""
    clip: float | str = math.inf
    """Longest gradient that is taken as it is; longer ones are shortened to it, per member. Or norm(1.0), the same;
    value(0.5), each number for itself; adaptive(0.01), by the length of the weights that it moves."""
    average: str = "none"
    """Weights that are evaluated and kept instead of the trained ones: ema(0.999), swa(start=0.75), lookahead(k=5)."""
    sam: float = 0.0
    """Radius within which the worst point is sought, whose gradient is taken (SAM; try 0.05); 0 is off, more doubles
    the cost of a step."""
    teacher: str = "none"
    """Network whose answers are learned beside the labels, as teacher("runs/five", temperature=2, alpha=0.9); ravine
    distill sets it."""
    balance: Literal["none", "loss", "sampler"] = "none"
    """Against unequal classes: weigh the loss, or draw each class equally often."""
    focus: str = "auto"
    """Which images come more often: hard(share=0.5) leaves that share of those whose loss lies below the mean out of an
    epoch, and others take their places; none shows each once. auto is none, but where --budget plans otherwise."""
    size: int | Auto = "auto"
    """Side in pixels that images are brought to; auto keeps small ones as they are."""
    val: float | Auto = "auto"
    """Share of the training images cut off for validation where the data has no val/ folder."""
    test: float = 0.0
    """Share of the training images cut off for a final test where the data has no test/ folder."""
    folds: int = 0
    """Cut the training images into so many equal parts, of which one is held out for validation; 0 cuts off --val."""
    fold: int = 0
    """Which part, from 0 (ravine kfold trains them all)."""
    patience: int = 0
    """Stop after so many epochs without a better validation score; 0 never stops early."""
    snapshots: int = 0
    """Members from one training: its schedule has so many cycles, and the weights at the end of each are kept
    (weights/snapshots.safetensors); 0 keeps none."""
    members: int = 1
    """Networks trained side by side; the prediction is the average of their probabilities."""
    first_member: int = 0
    """Number of the first member, by which it draws: --members 5 --first-member 5 trains members 5 to 9, on another
    machine say, as --members 10 would."""
    shared: bool = False
    """All members see the same batches, augmented alike: one data pass for all, but members that differ less."""
    sweep: str = ""
    """Settings that differ between members: "lr=1e-4..1e-2", "lr=[1e-3, 3e-3], l2=[0, 5e-4]" (a grid), "lr=0.01..1:6"
    (six values); of lr, the rule's settings, l1 and l2. Every value trains the same members; the run keeps the best."""
    forward: Literal["auto", "direct", "loop", "wide", "vmap"] = "auto"
    """How the members run: one after another (loop) or all at once (wide: as one wide network; vmap: slower, of any
    network); auto times both."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Number format of the matrix products: auto takes bfloat16 on a GPU."""
    threads: int | Auto = "auto"
    """CPU threads: sums are rounded by how they are shared out, so that another number gives other last digits; auto is
    one a core. A run goes on with as many as it began with."""
    compile: bool = False
    """Compile the network (torch.compile): slow to start, sometimes faster after."""
    max_bad: float = 0.01
    """Share of unreadable images that is still accepted (they are left out, and listed)."""
    seed: int = 0
    """Of every draw: initial weights, order, splits."""

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if name == "clip" and isinstance(value, str):  # a name with its setting, looked up when it is built
                continue
            if hasattr(value, "item"):  # a number of numpy's
                value = value.item()
                object.__setattr__(self, name, value)
            if value == "auto" == getattr(Recipe, name):  # only where that is the default can it be asked for
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                kind, least = "number" if math.isinf(high) else "finite number", "0 or more" if low == 0 else "above 0"
                words = f"a number from {low:g} to {high:g}" if high < _FINITE else f"a {kind}, {least}"
                raise UsageError(f"cannot be {value!r}", where=f"--{name.replace('_', '-')}", expected=words)
        for name in _WHOLE:
            value = getattr(self, name)
            if value != "auto" and not isinstance(value, int):
                raise UsageError(f"cannot be {value!r}", where=f"--{name.replace('_', '-')}", expected="a whole number")
        for name in _TEXTS:
            if not isinstance(getattr(self, name), str):
                raise UsageError(f"cannot be {getattr(self, name)!r}", where=f"--{name}", expected="a name, as text")
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise UsageError(
                    f"cannot be {getattr(self, name)!r}", where=f"--{name}", expected=f"one of {', '.join(choices)}"
                )

    def changed(self, **settings: Any) -> "Recipe":
        """The same recipe with these fields changed. Raises UsageError for a name that is no field."""
        known = [field.name for field in fields(self)]
        for name in settings:
            if name not in known:
                raise UsageError(f"a recipe has no {name!r}", where="recipe", cure=did_you_mean(name, known))
        return replace(self, **settings)

    def to_toml(self) -> str:
        """One `name = value` line a field."""
        return "".join(f"{field.name} = {_toml(getattr(self, field.name))}\n" for field in fields(self))

    @staticmethod
    def from_toml(text: str, where: str | Path = "recipe") -> "Recipe":
        """Reads what `to_toml` wrote; missing fields take their defaults. Raises UsageError naming `where`."""
        try:
            settings = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"not TOML: {error}", where=str(where)) from None
        return Recipe().changed(**settings)

    @staticmethod
    def read(path: Path) -> "Recipe":
        """Reads a recipe.toml. Raises DataError where there is none, UsageError where it is no recipe."""
        try:
            return Recipe.from_toml(path.read_text(encoding="utf-8"), path)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot be read ({error})", where=str(path), cure="Restore it, or use --fresh") from error


_FINITE = math.nextafter(math.inf, 0)
_RANGES = [
    ("lr", 0, _FINITE),
    ("epochs", 1, 1_000_000),
    ("batch", 2, 1_000_000),  # batch norm has no variance of one image
    ("clip", math.nextafter(0.0, 1.0), math.inf),
    ("sam", 0, _FINITE),
    ("unfreeze_at", 0, 1),
    ("layer_decay", 0.01, 1),
    ("size", 8, 1024),
    ("threads", 1, 1024),
    ("val", 0.001, 0.9),
    ("test", 0, 0.9),
    ("folds", 0, 1000),
    ("fold", 0, 999),
    ("patience", 0, 1_000_000),
    ("snapshots", 0, 1000),
    ("members", 1, 1000),
    ("first_member", 0, 2**31),
    ("max_bad", 0, 1),
    ("seed", 0, 2**63 - 1),
]
_WHOLE = ("epochs", "batch", "size", "threads", "folds", "fold", "patience", "snapshots", "members")
_WHOLE += ("first_member", "seed")
_TEXTS = ("model", "pretrained", "normalize", "keep", "freeze", "optimizer", "schedule", "augment", "regularize")
_TEXTS += ("average", "teacher", "focus", "sweep", "budget", "plan")
_CHOICES = {
    "balance": ("none", "loss", "sampler"),
    "bn": ("auto", "frozen", "stats", "train"),
    "head": ("auto", "linear", "mlp", "keep"),
    "forward": ("auto", "direct", "loop", "wide", "vmap"),
    "precision": ("auto", "float32", "bfloat16"),
}


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)  # TOML writes inf and 1e-05 as Python does
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
