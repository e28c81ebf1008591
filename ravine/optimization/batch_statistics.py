"""Batch norm's statistics for weights that never saw a batch: averaged ones."""

from collections.abc import Iterable

import torch
from torch import nn


@torch.no_grad()
def recompute_statistics(model: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """Sets the running mean and variance of every batch norm to those over `batches` at the model's present weights.

    The plain mean over the batches, whatever the layers' momentum (Izmailov et al., 2018). In train mode, so that each
    layer sees what training shows it; the mode and momentum of each module are put back, dropout draws from torch's
    global generator.

    Args:
        model: with or (then nothing happens) without batch norm.
        batches: inputs `[B, ...]`, more than one image each.
    """
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.track_running_stats]
    if not norms:
        return
    modes = {module: module.training for module in model.modules()}
    momenta = [norm.momentum for norm in norms]
    model.train()
    for i, x in enumerate(batches, 1):
        for norm in norms:
            norm.momentum = 1 / i  # mean <- mean + (new - mean) / i
        model(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode
