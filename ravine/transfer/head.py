"""The head of a network: the layer for the classes, or one with a hidden layer before it."""

from collections import OrderedDict

from torch import nn

from ravine.errors import UsageError, did_you_mean
from ravine.transfer.blocks import classifier

HEADS = ("linear", "mlp")
WIDEST = 512


def put_head(model: nn.Module, kind: str = "mlp") -> None:
    """Gives a network, in place, the head that `kind` names; new weights are drawn from torch's global generator.

        linear    logits = W x + b                                the classifier as it is
        mlp       logits = W relu(batchnorm(V x)) + b             V: [min(F, 512), F]

    A hidden layer helps where the classes are no linear function of the features. It is as wide as these, up to 512: a
    ResNet-50's 2,048 would bring 4 million weights, too many for a few hundred images.

    The classifier's name stays; in an mlp "fc" has the parts "fc.hidden", "fc.norm", "fc.act" and "fc.out".

    Args:
        model: a network with a linear classifier, whose inputs are `[B, F]`.
        kind: "linear" or "mlp".

    Raises:
        UsageError: an unknown kind, a classifier that is a convolution, or a head that is an mlp already.
    """
    if kind not in HEADS:
        raise UsageError(f"cannot be {kind!r}", where="--head", cure=did_you_mean(str(kind), HEADS))
    if kind == "linear":
        return
    name = classifier(model)
    path, _, last = name.rpartition(".")
    old, parent = model.get_submodule(name), model.get_submodule(path)
    if isinstance(parent, _MLPHead):
        raise UsageError(f"{path} has a hidden layer already", where="--head mlp", expected="a linear classifier")
    if not isinstance(old, nn.Linear):
        what, cure = f"the classifier {name} is a {type(old).__name__}", "Use --head linear"
        raise UsageError(what, where="--head mlp", expected="a linear layer", cure=cure)
    setattr(parent, last, _MLPHead(old).train(old.training))


class _MLPHead(nn.Sequential):
    """[B, F] -> [B, C], in place of a linear layer of these sizes."""

    def __init__(self, old: nn.Linear):
        like = {"device": old.weight.device, "dtype": old.weight.dtype}
        width = min(old.in_features, WIDEST)
        hidden = nn.Linear(old.in_features, width, bias=False, **like)  # batch norm subtracts the mean, and any bias
        nn.init.kaiming_normal_(hidden.weight, nonlinearity="relu")
        out = nn.Linear(width, old.out_features, old.bias is not None, **like)
        norm, act = nn.BatchNorm1d(width, **like), nn.ReLU()
        super().__init__(OrderedDict(hidden=hidden, norm=norm, act=act, out=out))
