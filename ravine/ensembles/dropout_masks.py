"""Each dropout mask is one model: a network with dropout is many thinned networks that share their weights.

Hinton, Srivastava, Krizhevsky, Sutskever and Salakhutdinov, "Improving neural networks by preventing co-adaptation of
feature detectors", 2012; Baldi and Sadowski, "The dropout learning algorithm", Artificial Intelligence 2014.
"""

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from ravine import draws
from ravine.errors import UsageError

# Noise by these names acts on weights, not on the examples of a batch: torch's parametrize, and ravine's `on_weight`
_ON_WEIGHTS = ("parametrizations", "noise_on_weight")
# timm's and torchvision's, known by name
_FOREIGN = ("DropPath", "StochasticDepth")


def dropout_modules(model: nn.Module) -> dict[str, nn.Module]:
    """The modules that draw in training, by name: torch's dropout of every kind, ravine's noise, timm's drop path.

    Not found is what draws without being a module: `torch.nn.functional.dropout`, and the dropout inside
    `torch.nn.MultiheadAttention`, `torch.nn.LSTM` and `torch.nn.GRU`. Modules that drop nothing (p = 0) are left out.
    """
    return {name: module for name, module in model.named_modules() if _draws(module)}


def on_weights(name: str) -> bool:
    """Whether the module of this name drops weights, which all examples of a batch share."""
    return any(part in _ON_WEIGHTS for part in name.split("."))


@contextmanager
def every_module_called() -> Iterator[None]:
    """Without torch's fused kernel for transformer layers, which in evaluation passes their dropout modules by."""
    kept = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(kept)


@contextmanager
def fixed_mask(model: nn.Module, seed: int = 0, i: int = 0) -> Iterator[None]:
    """Inside the block the network is one thinned network: mask i, the same units missing for every example.

        y = r x,   r in {0, 1 / (1 - p)}   drawn once for the shape of one example: [1, ...] for an x of [B, ...]

    The average over all masks of a linear network's output is the output with dropout off (the weight-scaling rule);
    for one softmax layer that holds for the normalised geometric mean of the probabilities, for deeper networks it is
    an approximation. A mask depends on the seed, on i, on the module's name and shape, and on which of its calls
    within a forward pass it is; it is the same on every device. Of modules that drop whole channels or branches so
    does the mask, of DropConnect it is a mask over the weights, and of `torch.nn.AlphaDropout` the shift is drawn too.

        >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2)).eval()
        >>> with fixed_mask(model, i=3):
        ...     y = model(torch.ones(5, 4))
        >>> bool((y == y[0]).all())
        True

    Modes are left as they are: call `model.eval()` first, so that batch norm uses its stored statistics. The global
    generators are untouched, and the model is as before afterwards, also after an exception.

    Args:
        model: called as a whole inside the block, with a batch dimension first.
        seed, i: which mask.

    Raises:
        UsageError: the network has nothing that draws.
    """
    found = dropout_modules(model)
    if not found:
        expected = "torch.nn.Dropout or another module that draws in training"
        raise UsageError("the network has no dropout", where="fixed_mask", expected=expected)
    calls: Counter[str] = Counter()
    with every_module_called(), ExitStack() as stack:
        # a module may be called several times in a pass, each time with a mask of its own
        stack.callback(model.register_forward_pre_hook(lambda *_: calls.clear()).remove)
        for name, module in found.items():
            stack.enter_context(_replaced(module, _thinning(name, module, seed, i, calls)))
        yield


def _draws(module: nn.Module) -> bool:
    known = isinstance(module, nn.modules.dropout._DropoutNd) or type(module).__name__ in _FOREIGN
    ours = callable(getattr(module, "noise", None)) and hasattr(module, "p")
    return (known or ours) and getattr(module, "p", getattr(module, "drop_prob", 0)) > 0


def _thinning(name: str, module: nn.Module, seed: int, i: int, calls: Counter[str]) -> Callable[[Tensor], Tensor]:
    """What stands in for the module's forward."""
    drawer = copy.copy(module)  # shallow; its mode and its generator are its own
    drawer.training = True
    if isinstance(getattr(drawer, "generator", None), torch.Generator):
        drawer.generator = None  # pyright: ignore[reportArgumentType]

    def drawn(shape: tuple[int, ...], value: float, call: int) -> Tensor:
        with draws.seeded(seed, i, f"mask/{name}", step=call):
            # on the CPU in double precision: the same mask on every device and in every precision
            return type(module).forward(drawer, torch.full(shape, value, dtype=torch.float64))

    def thinned(x: Tensor) -> Tensor:
        shape = tuple(x.shape) if on_weights(name) else (1, *x.shape[1:])
        call = calls[name]
        calls[name] += 1
        # whatever the kind, noise is y = scale x + shift; only alpha dropout has a shift
        shift = drawn(shape, 0.0, call)
        scale = drawn(shape, 1.0, call) - shift
        return x * scale.to(x) + shift.to(x)

    return thinned


@contextmanager
def _replaced(module: nn.Module, function: Callable[[Tensor], Tensor]) -> Iterator[None]:
    kept = module.__dict__.get("forward")
    module.forward = function
    try:
        yield
    finally:
        del module.forward
        if kept is not None:
            module.forward = kept
