"""Learning rates that fall from the head down to the images, for an optimizer of one's own."""

from typing import Any

from torch import nn

from ravine.errors import UsageError
from ravine.transfer.blocks import blocks
from ravine.transfer.unfreezing import unfreezing


def layer_rates(model: nn.Module, lr: float, decay: float = 0.8) -> list[dict[str, Any]]:
    """Parameter groups for torch's or ravine's optimizers, one a block, first to last.

        rate of block i = lr decay^(head - i)

    What is near the images serves all images and should move the least (Howard and Ruder 2018, "Universal Language
    Model Fine-tuning for Text Classification", discriminative rates; in this form Clark et al. 2020, "ELECTRA").

        >>> optimizer = torch.optim.AdamW(layer_rates(model, 1e-3), weight_decay=0.05)

    A schedule multiplies each group's rate, as torch's do.

    Args:
        model: any network that `blocks` can read.
        lr: the head's rate, 0 or more.
        decay: above 0, 1 at most. 0.8 suits a dozen blocks; of fifty the first would stand still.

    Raises:
        UsageError: a rate or a decay that cannot be.
    """
    if isinstance(lr, bool) or not isinstance(lr, int | float) or not 0 <= lr < float("inf"):
        raise UsageError(f"lr cannot be {lr!r}", where="layer_rates", expected="a finite number, 0 or more")
    row = blocks(model)
    plan = unfreezing([block.name for block in row], unfreeze_at=0.0, layer_decay=decay)
    parameters = dict(model.named_parameters())
    groups = [[parameters[name] for name in block.parameters] for block in row]
    return [{"params": group, "lr": lr * plan.factor(i, 0.0)} for i, group in enumerate(groups) if group]
