"""Networks with weights and statistics that were drawn, not trained: every part of them shows in the answers."""

import numpy as np
import torch

from ravine import draws
from ravine.models import MODELS
from ravine.population import Population
from ravine.spec import build, parse
from ravine.trained import Trained


def network(model="mlp([6])", in_shape=(1, 8, 8), members=1, classes=("a", "b", "c"), pixels=True, seed=0):
    """A `Trained` of this kind; `pixels` says whether its examples are uint8."""

    def make(k):
        with draws.seeded(seed, k, "init"):
            return build(parse(model), MODELS, in_shape=in_shape, classes=len(classes))

    generator = torch.Generator().manual_seed(seed)
    population = Population(make, members)
    population.weights.add_(torch.randn(population.weights.shape, generator=generator), alpha=0.2)
    for name, buffer in population.buffers.items():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5, generator=generator) if "var" in name else buffer.normal_(generator=generator)
    size = dict(zip(("channels", "height", "width"), in_shape, strict=False)) if pixels else None
    centre = [100.0 + 9 * c if pixels else 0.3 * c for c in range(in_shape[0])]
    about = {
        "classes": list(classes),
        "model": model,
        "in_shape": list(in_shape),
        "members": members,
        "preprocessing": size,
        "normalization": {"mean": centre, "std": [60.0 if pixels else 2.0] * in_shape[0]},
        "epochs": list(range(members)),
        "recipe": "",
    }
    drawn = Trained(population.named(population.state()), about, name=f"{model} of {seed}")
    x = drawn.normalize(torch.from_numpy(rows(drawn, 32)))
    for member in drawn.population.members:  # the classes shall be neither certain nor all alike
        head = member.fc if model.startswith("resnet") else member.head
        head.weight.data /= member(x).std(0).mean()
        head.bias.data -= member(x).mean(0)
    return drawn


def rows(network, n=7, seed=1):
    rng = np.random.default_rng(seed)
    if network.parts[0].preprocessing is None:
        return rng.normal(size=(n, *network.parts[0].in_shape)).astype(np.float32)
    return rng.integers(0, 256, (n, *network.parts[0].in_shape), np.uint8)


KINDS = {
    "mlp": {"members": 3},
    "mlp of features": {"in_shape": (5,), "pixels": False},
    "mlp of float images": {"in_shape": (3, 4, 4), "pixels": False},
    "convnet": {"model": "convnet(width=4)", "in_shape": (3, 20, 24), "members": 2},
    "resnet": {"model": "resnet(width=16)", "in_shape": (3, 9, 8)},
}
