"""The network as it is handed over: raw examples in, probabilities out, and everything between inside."""

import copy
from collections.abc import Iterator

import torch
from torch import nn
from torch.func import functional_call

from ravine.errors import UsageError
from ravine.exporting.half import half as halved
from ravine.prediction import Predictor
from ravine.trained import Trained


class Deployed(nn.Module):
    """The vote of all members, with the normalisation inside; in eval mode, with copies of the weights, on the CPU.

        p(c | x) = sum_k w_k softmax(f_k((x - mean) / std))_c,    w_k = 1 / K unless the network has weights

    Maps uint8 `[N, C, H, W]`, or float32 `[N, ...]` where the training was on floats, to float32 `[N, classes]`.

    Args:
        network: its parts see inputs of one shape.
        half: keep the weights as float16; they are computed with in float32.

    Raises:
        UsageError: parts that see inputs of different shapes, a weight that float16 cannot hold.
    """

    shares: torch.Tensor  # [K, 1, 1]

    def __init__(self, network: Predictor, half: bool = False):
        super().__init__()
        shapes = sorted({part.in_shape for part in network.parts})
        if len(shapes) > 1:
            found, cure = ", ".join(map(str, shapes)), "Export one --member, or -o FILE, which keeps each one's own"
            raise UsageError(f"its networks see shapes {found}", where=network.name, expected="one shape", cure=cure)
        self.parts = nn.ModuleList(_Part(part, network.classes, half) for part in network.parts)
        members = sum(len(part.population.members) for part in network.parts)
        shares = [1 / members] * members if network.weights is None else network.weights.tolist()
        self.register_buffer("shares", torch.tensor(shares).view(-1, 1, 1))
        self.eval().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        probabilities = torch.stack([logits.softmax(1) for part in self.parts for logits in part(x)])
        return (probabilities * self.shares).sum(0)


class _Part(nn.Module):
    """The members of one `Trained`: raw examples to the logits `[N, classes]` of each, in the order of `classes`."""

    mean: torch.Tensor  # [1, C, 1, 1] or [1, F]
    scale: torch.Tensor  # likewise, 1 / std

    def __init__(self, part: Trained, classes: tuple[str, ...], half: bool):
        super().__init__()
        shape = (1, -1, *[1] * (len(part.in_shape) - 1))
        self.register_buffer("mean", torch.tensor(part.normalize.mean).view(shape))
        self.register_buffer("scale", 1 / torch.tensor(part.normalize.std).view(shape))
        self.members = nn.ModuleList(_copied(member) for member in part.population.members)
        self.order = [part.classes.index(name) for name in classes] if part.classes != classes else None
        if half:
            for name, weight in self.members.named_parameters():
                weight.data = halved(weight.data, name)

    def forward(self, x: torch.Tensor) -> Iterator[torch.Tensor]:
        x = (x.to(torch.float32) - self.mean) * self.scale
        if x.dim() == 4:
            x = x.contiguous(memory_format=torch.channels_last)  # CPUs' fastest
        for member in self.members:
            # float16 weights become float32 here, inside the graph; to those of float32 nothing happens
            logits = functional_call(member, {name: w.float() for name, w in member.named_parameters()}, (x,))
            yield logits if self.order is None else logits[:, self.order]


def _copied(member: nn.Module) -> nn.Module:
    """A copy on the CPU whose tensors are its own: a view would take the whole population's matrix into the file."""
    network = copy.deepcopy(member).to("cpu")
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = tensor.detach().clone()
    return network


def traced(network: Predictor, half: bool = False) -> torch.export.ExportedProgram:
    """The network as a graph that needs neither ravine nor its classes; the number of examples N stays free, from 0 up.

    What it says of its origin, file names and lines of the machine that traced it, is taken out. Raises as `Deployed`.
    """
    part = network.parts[0]
    example = torch.zeros((2, *part.in_shape), dtype=torch.uint8 if part.preprocessing else torch.float32)
    program = torch.export.export(Deployed(network, half), (example,), dynamic_shapes=({0: torch.export.Dim("N")},))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program
