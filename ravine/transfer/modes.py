"""What a plan of unfreezing means for the modules: what is frozen is a fixed function."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import nn

from ravine.transfer.blocks import Block
from ravine.transfer.unfreezing import Unfreezing

Norm = nn.modules.batchnorm._NormBase


def set_modes(model: nn.Module, row: Sequence[Block], plan: Unfreezing, progress: float) -> None:
    """Puts each block into the mode that the plan gives it; what is so already is not touched.

    A frozen block is in eval mode (no dropout) and takes no gradients; its batch norms do what `plan.norm` says. Cheap
    enough to come before every step, and to be needed there: `model.train()` puts all back into train mode.

    Args:
        model: in train mode.
        row: its blocks.
        plan: of these blocks.
        progress: 0 to 1.
    """
    for i, block in enumerate(row):
        trained, weights = plan.trained(i, progress), plan.norm_weights_trained(i, progress)
        follows = plan.norm(i, progress) != "kept"
        for module in inside(model, block):
            mode, gradients = (follows, weights) if isinstance(module, Norm) else (trained, trained)
            if module.training != mode:
                module.training = mode
            take_gradients(module, gradients)
        if i == 0:  # what the network itself holds, such as a transformer's class token
            take_gradients(model, trained)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Inside the block all modules are in eval mode; after it each is in the mode that it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def inside(model: nn.Module, block: Block) -> list[nn.Module]:
    """All modules of a block, at any depth."""
    found = []
    for name in block.modules:  # get_submodule() and modules() take three times as long
        module = model
        for step in name.split("."):
            module = module._modules[step]  # pyright: ignore[reportOptionalMemberAccess]
        found.append(module)
    for module in found:
        if module._modules:
            found += [child for child in module._modules.values() if child is not None]
    return found


def take_gradients(module: nn.Module, gradients: bool) -> None:
    """Whether backward computes gradients of the parameters that the module itself holds."""
    for p in module._parameters.values():
        if p is not None and p.requires_grad != gradients:
            p.requires_grad_(gradients)
