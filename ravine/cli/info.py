"""`ravine info`: say what a run or a weights file is, without loading a network."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.markup import escape

from ravine.cli.flags import parse


@dataclass(frozen=True)
class Options:
    """Examples:
      ravine info runs/photos
      ravine info best.safetensors --json
      ravine info resnet20.th

    Shows what a run or a file says of itself; nothing is trained or scored.
    """

    path: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PATH")]
    """A run's folder or a weights file, also of others' making (.pth, .pt, .th, .safetensors)."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    options = parse(Options, arguments, "info")
    path = Path(options.path)
    facts = _of_run(path) if path.is_dir() else _of_weights(path)
    if options.json:
        print(json.dumps(facts))
        return 0
    out = Console(soft_wrap=True, highlight=False)
    parts = facts.pop("parts", [])
    if parts and facts["weights"] is None:
        facts["weights"] = "equal"
    for i, part in enumerate(parts):
        of = f"{part['members']} of {part['model']}" if part["members"] > 1 else part["model"]
        facts[f"part {i}"] = f"{of} on {part['data']}, input {part['in_shape']}, seed {part['recipe']['seed']}"
    width = max(map(len, facts))
    for name, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(value, dict):
            shown = ", ".join(f"{key}={inner}" for key, inner in value.items())
        out.print(f"{name:{width}}  {escape(str(shown))}")
    return 0


def _of_weights(path: Path) -> dict[str, Any]:
    from ravine.checkpoints import weights_file

    if not weights_file.is_ours(path):
        return _of_foreign(path)
    about = weights_file.read_about(path)
    parts = [{**part, "recipe": tomllib.loads(part["recipe"])} for part in about.get("parts", [about])]
    return {**about, "parts": parts} if "parts" in about else parts[0]


def _of_foreign(path: Path) -> dict[str, Any]:
    from ravine.errors import DataError
    from ravine.loading import sha256_of
    from ravine.pretrained.recognising import recognised
    from ravine.transfer import read_state_dict

    said: list[str] = []
    state = read_state_dict(path, said.append)
    counted = [t.numel() for name, t in state.items() if t.is_floating_point() and ".running_" not in name]
    facts: dict[str, Any] = {"weights": str(path), "made_by": "others", "tensors": len(state)}
    facts |= {"parameters": sum(counted), "sha256": sha256_of(path)}
    try:
        found = recognised(state, str(path))
        facts |= {"model": found.model, "outputs": found.outputs, "channels": found.channels}
    except DataError as error:
        said.append(error.what)
    return {**facts, "said": said} if said else facts


def _of_run(path: Path) -> dict[str, Any]:
    from ravine.checkpoints.run_folder import RunFolder

    folder = RunFolder(path)
    folder.check()
    rows, summary = folder.read_rows("metrics.jsonl"), folder.read_json("summary.json")
    facts: dict[str, Any] = {"run": str(path), "data": folder.read_json("request.json")["data"]}
    facts |= {"finished": folder.finished, "epochs": len(rows)}
    if k := folder.read_json("request.json").get("kfold"):
        facts["epochs"] = [len(RunFolder(path / f"fold{i}").read_rows("metrics.jsonl")) for i in range(k)]
    if summary:
        facts |= {"best_epoch": summary["best_epoch"]}
        facts |= {f"best_{name}_accuracy": score["accuracy"] for name, score in summary["best"].items()}
    elif rows:
        facts |= {"val_accuracy": rows[-1]["val/accuracy"]}
    if folder.recipe.is_file():
        facts["recipe"] = tomllib.loads(folder.recipe.read_text(encoding="utf-8"))
    return facts
