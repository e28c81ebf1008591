"""Frozen blocks in a training loop of one's own.

    freeze(model)                            # all but the head
    for x, y in batches:
        model.train()                        # frozen batch norms stay as they are all the same
        ...

`requires_grad_(False)` alone leaves batch norm's statistics to the new images, and dropout on: the "frozen" network
moves on with each batch. `eval()` on the frozen part is undone by the next `model.train()`.
"""

from typing import Any

from torch import nn

from ravine.transfer.blocks import blocks
from ravine.transfer.modes import Norm, inside, take_gradients
from ravine.transfer.unfreezing import unfreezing


def freeze(model: nn.Module, which: str = "all but head", bn: str = "auto") -> None:
    """Makes blocks of a network fixed functions, in place: no gradients, no dropout, batch norm as it is.

    They stay so, whoever calls `train()`, also in copies and pickled networks, until `unfreeze`. The gradients that
    they have are dropped, so that no optimizer of torch's moves them, with decay or momentum either. Every other block
    is trained, also one that was frozen before.

    Args:
        model: any network that `blocks` can read.
        which: "all but head", "first 3", "stem, layer1", none: as `chosen` reads it. The head cannot be frozen.
        bn: auto keeps the batch norms of frozen blocks as they are; frozen keeps all statistics but the head's, also in
            blocks that are trained; stats lets those of frozen blocks follow the images; train trains their weights.

    Raises:
        UsageError: no such block, a frozen head, or an unknown `bn`.
    """
    row = blocks(model)
    plan = unfreezing([block.name for block in row], freeze=which, unfreeze_at=0.0, bn=bn)
    unfreeze(model)
    for i, block in enumerate(row):
        trained, weights, kept = plan.trained(i, 0.0), plan.norm_weights_trained(i, 0.0), plan.norm(i, 0.0) == "kept"
        for module in inside(model, block):
            if kept if isinstance(module, Norm) else not trained:
                module.training = False
                module.register_forward_pre_hook(_stay)
            take_gradients(module, weights if isinstance(module, Norm) else trained)
        if i == 0:
            take_gradients(model, trained)
    for p in model.parameters():
        if not p.requires_grad:
            p.grad = None


def unfreeze(model: nn.Module) -> None:
    """Undoes `freeze`: all parameters take gradients, and each module is in the mode of the whole network."""
    for module in model.modules():
        for key in [key for key, hook in module._forward_pre_hooks.items() if hook is _stay]:
            del module._forward_pre_hooks[key]
        take_gradients(module, True)
    model.train(model.training)


def _stay(module: nn.Module, _: Any) -> None:
    """Before a frozen module runs. A function of this file, and not a closure, so that networks can be pickled."""
    module.training = False
