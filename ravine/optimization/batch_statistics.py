"""Batch norm's statistics for weights that never saw a batch: averaged ones."""

from collections.abc import Collection, Iterable

import torch
from torch import nn


@torch.no_grad()
def recompute_statistics(model: nn.Module, batches: Iterable[torch.Tensor], held: Collection[str] = ()) -> None:
    """Sets the running mean and variance of every batch norm to those over `batches` at the model's present weights.

    The plain mean over the batches, whatever the layers' momentum (Izmailov et al., 2018). In train mode, so that each
    layer sees what training shows it; the mode and momentum of each module are put back, dropout draws from torch's
    global generator.

    Args:
        model: with or (then nothing happens) without batch norm.
        batches: inputs `[B, ...]`, more than one image each.
        held: names of modules that stay in eval mode, with their statistics: those of frozen blocks.
    """
    known = {name: m for name, m in model.named_modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)}
    norms = [norm for name, norm in known.items() if norm.track_running_stats and name not in held]
    if not norms:
        return
    modes = {module: module.training for module in model.modules()}
    momenta = [norm.momentum for norm in norms]
    model.train()
    for name in held:
        model.get_submodule(name).eval()
    for i, x in enumerate(batches, 1):
        for norm in norms:
            norm.momentum = 1 / i  # mean <- mean + (new - mean) / i
        model(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode
