"""MC dropout: dropout stays on in prediction, and how much the answers vary says how sure the network is.

Gal and Ghahramani, "Dropout as a Bayesian Approximation: Representing Model Uncertainty in Deep Learning", ICML 2016.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import torch
from torch import Tensor, nn

from ravine import draws
from ravine.ensembles.dropout_masks import dropout_modules, every_module_called, on_weights
from ravine.errors import UsageError


@torch.no_grad()
def mc_dropout(model: nn.Module, x: Tensor, samples: int = 30, seed: int = 0) -> Tensor:
    """Probabilities of each example under `samples` masks of its own.

        p_s = softmax(network(x, mask s)),   s = 1 .. samples

    What draws is in train mode, all else (batch norm) in eval mode. Each example is run alone, as a batch of itself,
    with draws that depend on the seed and on its own values: its answer is the same, bit for bit, whichever other
    examples are in the batch. In `fixed_mask` all examples share a mask, which makes the mask one network; here each
    has its own, as dropout in training does.

    Args:
        model: gives logits `[B, classes]`; its modes are put back.
        x: `[N, ...]`, as the network takes it.
        samples: masks for each example, 1 or more; the cost is that of so many predictions.
        seed: of the draws. torch's global generators and those of the modules are untouched.

    Returns:
        `[samples, N, classes]`, for `uncertainty`.

    Raises:
        UsageError: the network has nothing that draws, or `samples`.
    """
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise UsageError(f"samples cannot be {samples!r}", where="mc_dropout", expected="a whole number, 1 or more")
    found = dropout_modules(model)
    if not found:
        raise UsageError("the network has no dropout", where="mc_dropout", expected="a module that draws in training")
    # weights that are dropped are dropped for a whole batch, so that each sample needs a pass of its own
    passes = [1] * samples if any(map(on_weights, found)) else [samples]
    with _drawing(model, list(found.values())), draws.own_generators():
        if not len(x):
            return model(x).float().softmax(1).repeat(samples, 1, 1)
        return torch.stack([_alone(model, row, passes, seed) for row in x], dim=1)


@contextmanager
def _drawing(model: nn.Module, found: list[nn.Module]) -> Iterator[None]:
    """Inside the block what draws is in train mode and draws from the global generators, all else in eval mode."""
    modes = {module: module.training for module in model.modules()}
    owned = {module: own for module in found if isinstance(own := getattr(module, "generator", None), torch.Generator)}
    try:
        model.eval()
        for module in found:
            module.train()
        for module in owned:
            module.generator = None  # pyright: ignore[reportArgumentType]
        with every_module_called():
            yield
    finally:
        for module, mode in modes.items():
            module.training = mode
        for module, generator in owned.items():
            module.generator = generator  # pyright: ignore[reportArgumentType]


def _alone(model: nn.Module, row: Tensor, passes: list[int], seed: int) -> Tensor:
    """`[samples, classes]` of one example."""
    values = row.contiguous().cpu().flatten().view(torch.uint8)  # numpy has no bfloat16
    known = blake2b(values.numpy().tobytes(), digest_size=16).hexdigest()
    draws.seed_global(seed, 0, f"mc dropout/{known}")
    return torch.cat([model(row.expand(rows, *row.shape)) for rows in passes]).float().softmax(1)
