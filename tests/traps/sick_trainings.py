"""Small trainings on the digits, healthy and sick: by ravine's trainer, and by a plain loop around a plain network."""

from dataclasses import fields

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from ravine import data
from ravine.recipe import Recipe
from ravine.runs.defaults import resolve
from ravine.runs.trainer import Training
from ravine.traps import Facts, dead_units, gradient_flow

CPU = torch.device("cpu")


def digits():
    split = data.load("digits").splits["train"]
    return split.take(np.arange(len(split))), split.y


def trained(x, y, *, val=0.2, **settings):
    """Rows and facts of a training of `mlp(hidden=[64])`, or of what `settings` say."""
    dataset = data.with_validation(data.load({"x": x, "y": y}), val, 0.0, 0)
    recipe, _ = resolve(Recipe(**{"model": "mlp(hidden=[64])", "val": val, **settings}), dataset, CPU)
    training = Training(recipe, dataset, CPU)
    for _ in training.epochs():
        pass
    facts = Facts(
        classes=len(dataset.classes),
        counts=dataset.counts["train"],
        val=len(dataset.splits["val"]),
        epochs=int(recipe.epochs),
        steps=training.feed.steps,
        lr=float(recipe.lr),
        recipe={field.name: str(getattr(recipe, field.name)) for field in fields(recipe)},
    )
    return training.rows, facts


def network(depth, activation, bias=None):
    """Hidden layers of 64 without batch norm."""
    torch.manual_seed(0)
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(64, 64), activation()]
        if bias is not None:
            nn.init.constant_(layers[-2].bias, bias)
    return nn.Sequential(*layers, nn.Linear(64, 10))


def own_loop(model, rates, louder=()):
    """Rows and facts of SGD with momentum, an epoch a rate; in epochs `louder` images are 100 times as bright."""
    images, labels = digits()
    x, y = torch.from_numpy(images).flatten(1).float() / 255 - 0.3, torch.from_numpy(labels)
    train, held_out = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:1400].split(1000)
    weights, rows = list(model.parameters()), []
    velocities = [torch.zeros_like(p) for p in weights]
    for epoch, lr in enumerate(rates, 1):
        losses, norms = [], []
        for batch in train[torch.randperm(1000, generator=torch.Generator().manual_seed(epoch))].split(50):
            loss = F.cross_entropy(model(x[batch] * (100 if epoch in louder else 1)), y[batch])
            grads = torch.autograd.grad(loss, weights)
            norms.append(float(torch.nn.utils.get_total_norm(grads)))
            with torch.no_grad():
                for p, v, g in zip(weights, velocities, grads, strict=True):
                    p -= lr * v.mul_(0.9).add_(g)
            losses.append(loss.item())
        with torch.no_grad():
            seen, unseen = model(x[train]), model(x[held_out])
        rows.append(
            {
                "epoch": epoch,
                "lr": lr,
                "train/loss": np.mean(losses),
                "train/accuracy": (seen.argmax(1) == y[train]).double().mean().item(),
                "val/loss": F.cross_entropy(unseen, y[held_out]).item(),
                "val/accuracy": (unseen.argmax(1) == y[held_out]).double().mean().item(),
                "grad_norm": np.mean(norms),
                "dead_units": dead_units(model, x[train[:256]]),
                "gradient_flow": gradient_flow(model, x[train[:32]], y[train[:32]]),
            }
        )
    return rows, Facts(classes=10, val=400, epochs=len(rates), steps=20, lr=max(rates))
