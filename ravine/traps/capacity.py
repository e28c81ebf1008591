"""What lets a network learn more of its training images: more of its own weights, or more time for them."""

import shlex

from ravine import spec
from ravine.duration import in_words, seconds_in
from ravine.traps.trap import Facts

# of a model the setting that makes it wider: its name, its place among the settings, its default, the largest allowed
WIDTHS: dict[str, tuple[str, int, int | tuple[int, ...], int]] = {
    "mlp": ("hidden", 0, (256, 256), 65_536),
    "convnet": ("width", 0, 32, 512),
    "quicknet": ("width", 0, 16, 512),
    "resnet": ("width", 1, 64, 1024),
    **{f"resnet{depth}": ("width", 0, 16, 512) for depth in (20, 32, 44, 56, 110)},
}


def more_capacity(facts: Facts, epochs: int) -> str:
    """A flag: a network twice as wide; of pretrained weights all blocks trained; else twice as many `epochs`.

    Pretrained weights fix the model, so none is advised beside them.
    """
    longer = twice_as_long(facts, epochs)
    if facts.used("pretrained"):
        if facts.used("freeze"):
            return "--freeze none"
        return "--unfreeze-at 0" if facts.used("unfreeze_at") else longer
    wider = _wider(facts.used("model"))
    return shlex.join(["--model", wider]) if wider else longer


def twice_as_long(facts: Facts, epochs: int) -> str:
    """A flag: twice the time that the training had, else twice as many `epochs`."""
    budget = facts.used("budget")
    return f"--budget {in_words(2 * seconds_in(budget))}" if budget else f"--epochs {2 * epochs}"


def _wider(model: str) -> str:
    """The model with twice its width; "" where it is not known, or as wide as allowed."""
    if model.partition("(")[0] not in WIDTHS:
        return ""
    used = spec.parse(model, flag="--model")
    name, place, default, most = WIDTHS[used.name]
    args = dict(enumerate(used.args))
    width = used.settings.get(name, args.pop(place, default))
    # of hidden layers each; a network without any gets the usual ones
    wider = 2 * width if isinstance(width, int) else [2 * size for size in width] or [256, 256]
    largest = wider if isinstance(wider, int) else max(wider)
    return str(spec.Spec(used.name, tuple(args.values()), {**used.settings, name: wider})) if largest <= most else ""
