"""What is kept of a training: what it goes on from, and what its weights files say of themselves."""

from dataclasses import asdict
from typing import Any

import torch

from ravine.runs import descent
from ravine.runs.trainer import Training
from ravine.training.fit import Frozen, Position


def state_of(training: Training) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and plain values that `restore` goes on from, as if nothing had happened."""
    rule = training.stepper.state
    tensors = {f"population/{name}": tensor for name, tensor in training.population.state().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in training.best.state.items()}
    tensors |= {f"rule/{name}": value for name, value in rule.items() if isinstance(value, torch.Tensor)}
    if training.average:
        tensors["average/weights"] = training.average.averages[0]
    seen, focused = training.focus.state() if training.focus else ({}, 0)
    tensors |= {f"focus/{name}": tensor for name, tensor in seen.items()}
    for i, kept in enumerate(training.snapshots.states if training.snapshots else ()):
        tensors |= {f"snapshots/{i}/{name}": tensor for name, tensor in kept.items()}
    position = training.position
    return tensors, {
        "position": {"epoch": position.epoch, "step": position.step, "seen": position.seen},
        "frozen": [asdict(frozen) for frozen in position.frozen],
        "sums": position.sums.tolist(),
        "rule": {name: value for name, value in rule.items() if not isinstance(value, torch.Tensor)},
        "best": training.best.about(),
        "averagings": training.average.updates if training.average else 0,
        "rows": training.rows,
        "fingerprint": training.dataset.fingerprint,
        **({"focus": focused} if training.focus else {}),
        **({"spent": training.pacer.spent} if training.pacer else {}),
    }


def restore(training: Training, tensors: dict[str, torch.Tensor], state: dict[str, Any]) -> None:
    """Puts a training where `state_of` was taken."""
    names = ("population", "best", "rule", "average", "snapshots", "focus")
    parts: dict[str, dict[str, torch.Tensor]] = {name: {} for name in names}
    for name, tensor in tensors.items():
        part, rest = name.split("/", 1)
        parts[part][rest] = tensor
    training.population.load(parts["population"])
    training.best.restore(parts["best"], state["best"])
    training.stepper.state = {**{n: t.to(training.device) for n, t in parts["rule"].items()}, **state["rule"]}
    sums = torch.tensor(state["sums"], dtype=torch.float64, device=training.device)
    frozen = [Frozen(**entry) for entry in state.get("frozen", ())]
    training.position = Position(sums, **state["position"], frozen=frozen)
    training.rows = list(state["rows"])
    if training.average:
        averages = [parts["average"]["weights"]]
        training.average.load_state_dict({"averages": averages, "updates": state["averagings"]})
    if training.focus:
        training.focus.restore(parts["focus"], state["focus"])
    if training.snapshots:
        training.snapshots.states = _states(parts["snapshots"], training.device)
    for row in training.rows:
        descent.observe(training.schedule, row)


def _states(tensors: dict[str, torch.Tensor], device: torch.device) -> list[dict[str, torch.Tensor]]:
    """Tensors under "0/weights", "0/buffers/...", "1/weights", ... as a list of states."""
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        number, rest = name.split("/", 1)
        states.setdefault(int(number), {})[rest] = tensor.to(device)
    return [states[i] for i in sorted(states)]


def named(training: Training, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What a weights file holds of a population's `state`: the members that vote, by name; no copies if all do."""
    voters = training.voters
    kept = state if len(voters) == training.recipe.members else {name: t[voters] for name, t in state.items()}
    return training.population.named(kept)


def about(training: Training, which: str) -> dict[str, Any]:
    """What a weights file says of itself: enough to predict from that one file."""
    voters, best = training.voters, training.best
    return {
        "which": which,
        "classes": list(training.dataset.classes),
        "model": training.recipe.model,
        "head": training.head,
        "in_shape": list(training.in_shape),
        "members": len(voters),
        "places": voters,
        "identities": [training.identities[k] for k in voters],
        "preprocessing": asdict(training.dataset.preprocessing) if training.dataset.preprocessing else None,
        "normalization": {"mean": list(training.normalize.mean), "std": list(training.normalize.std)},
        "average": training.recipe.average if which != "raw" else "none",
        "epochs": [best.epochs[k] if which == "best" else training.position.epoch for k in voters],
        "scores": [best.scores[k] for k in voters] if which == "best" else None,
        "data": training.dataset.name,
        "fingerprint": training.dataset.fingerprint,
        "recipe": training.recipe.to_toml(),
        "ancestors": [asdict(one) for one in training.ancestors],
    }
