"""K members as one network, K times as wide: channels k C .. (k + 1) C of each layer are member k's.

    [B, K C, H, W]  and  [B, K F]

What treats each channel alone (activations, pooling, sums of branches) is then right as it is. The layers with weights
get a twin each: a convolution in K groups, a batch norm of K C channels, K matrix products in one call. All other
layers, such as dropout that draws a number an image, see the same memory as a batch of B K images.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ravine.errors import UsageError
from ravine.population.weights import Population


class _Linears(nn.Linear):
    """y[b, k] = W[k] x[b, k] + c[k]; weight `[K, O, I]`, bias `[K, O]`."""

    def forward(self, input: Tensor) -> Tensor:
        members, _, inputs = self.weight.shape
        x = input.reshape(-1, members, inputs).permute(1, 2, 0)
        # W from the left, for a gradient that lies as the matrix does: a transposed one takes 4 times as long to add
        y = torch.bmm(self.weight, x) if self.bias is None else torch.baddbmm(self.bias.unsqueeze(2), self.weight, x)
        if input.requires_grad:
            input.register_hook(Tensor.contiguous)
        return y.permute(2, 0, 1).flatten(1).contiguous()


class _Convolutions(nn.Conv2d):
    """A convolution in K groups (times those of each member); weight `[K, O, I, h, w]`, bias `[K, O]`."""

    def forward(self, input: Tensor) -> Tensor:
        weight, bias = self.weight.flatten(0, 1), None if self.bias is None else self.bias.flatten()
        # With fewer positions than channels, oneDNN's gradient of a grouped weight takes twice as long channels-last
        layout = torch.contiguous_format if input[0, 0].numel() < weight.shape[1] else torch.channels_last
        x = input.contiguous(memory_format=layout)
        y = F.conv2d(x, weight, bias, self.stride, self.padding, self.dilation, len(self.weight) * self.groups)
        return y.contiguous(memory_format=torch.channels_last)


class _BatchNorms(nn.modules.batchnorm._BatchNorm):
    """A batch norm of K C channels; weight, bias and statistics `[K, C]`."""

    def forward(self, input: Tensor) -> Tensor:
        mean, var, count = self.buffers(recurse=False)
        if self.training:
            count.add_(1)
        weight, bias = (p.flatten() for p in self.parameters(recurse=False)) if self.affine else (None, None)
        momentum: float = self.momentum  # pyright: ignore[reportAssignmentType] (None is refused)
        return F.batch_norm(input, mean.view(-1), var.view(-1), weight, bias, self.training, momentum, self.eps)


_TWINS = {nn.Linear: _Linears, nn.Conv2d: _Convolutions, nn.BatchNorm1d: _BatchNorms, nn.BatchNorm2d: _BatchNorms}
_CHANNELWISE = (nn.Identity, nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Hardswish, nn.MaxPool2d, nn.AvgPool2d)
_CHANNELWISE += (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Dropout)


def widened(population: Population) -> nn.Module:
    """The population as one module from `[B, K C, H, W]` or `[B, K F]` to `[B, K classes]`.

    Its weights and statistics are the population's memory; backward adds to `population.grads`. What is done between
    layers (in a module's `forward`) has to treat channels alone; that cannot be seen from here.

    Raises:
        UsageError: a layer with weights or statistics that has no twin.
    """
    module, members = copy.deepcopy(population.members[0]), len(population.members)
    for name, layer in list(module.named_modules()):
        if layer._parameters or layer._buffers:
            _widen(layer, name, population)
        elif not layer._modules and type(layer) not in _CHANNELWISE:
            _fold(layer, members)
    return module


def _widen(layer: nn.Module, name: str, population: Population) -> None:
    """Gives a layer its twin's forward, and the population's memory for its own."""
    prefix, slots = f"{name}." if name else "", {slot.name: slot for slot in population.layout}
    own = [key for key, p in layer._parameters.items() if p is not None]
    known = type(layer) in _TWINS and all(prefix + key in slots for key in own)  # a shared weight has one name only
    zeros, running = getattr(layer, "padding_mode", "zeros") == "zeros", getattr(layer, "momentum", 0.1) is not None
    if not (known and zeros and running and all(buffer is not None for buffer in layer._buffers.values())):
        what = f"has no twin for {name or 'the network'}, {layer}"
        raise UsageError(what, where="--forward wide", expected="Linear, Conv2d, BatchNorm", cure="Use vmap or loop")
    layer.__class__ = _TWINS[type(layer)]
    for key in own:
        slot = slots[prefix + key]
        rows, grads = (m[:, slot.start : slot.stop] for m in (population.weights, population.grads))
        layer._parameters[key] = _leaf(rows.unflatten(1, slot.shape), grads.unflatten(1, slot.shape))
    for key in layer._buffers:
        layer._buffers[key] = population.buffers[prefix + key]


def _leaf(rows: Tensor, grads: Tensor) -> nn.Parameter:
    """A parameter in this memory, whose gradient is added to that."""
    leaf = nn.Parameter(rows)

    def arrived(leaf: Tensor) -> None:
        if leaf.grad is not None:
            grads.add_(leaf.grad)
            leaf.grad = None

    leaf.register_post_accumulate_grad_hook(arrived)
    return leaf


def _fold(layer: nn.Module, members: int) -> None:
    """Shows a layer each member's image as an image of its own: `[B K, C, H, W]` or `[B K, F]`."""
    alone = layer.forward

    def forward(x: Tensor) -> Tensor:
        if x.dim() not in (2, 4):  # noise on the weights of K members, which have a dimension more
            return alone(x)
        y = alone(x.unflatten(1, (members, -1)).flatten(0, 1))
        return y.unflatten(0, (-1, members)).flatten(1, 2)

    layer.forward = forward
