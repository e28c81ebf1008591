"""From the words of a recipe or a weights file to a network: a model with its settings, and its kind of head."""

from torch import nn

from ravine import spec
from ravine.models import MODELS
from ravine.transfer import put_head


def network(
    model: str, in_shape: tuple[int, ...], classes: int, head: str = "linear", flag: str = "--model"
) -> nn.Module:
    """A freshly initialised network; its weights are drawn from torch's global generator.

    Args:
        model: a name of `MODELS` with settings, "convnet(width=16)".
        in_shape: of an input, without the batch.
        classes: logits.
        head: "linear", the model's own, or "mlp".
        flag: named where the model cannot be.

    Raises:
        UsageError: no such model, or one that cannot take these inputs.
    """
    made = spec.build(spec.parse(model, flag=flag), MODELS, flag=flag, in_shape=in_shape, classes=classes)
    put_head(made, head)
    return made
