"""What a budget of time comes to: accuracy on the test images, plain and with test-time views, and when it ended.

    python benchmarks/budget.py cifar10-jpeg.zip --budgets 60s 100s 5m 20m --seeds 3
    python benchmarks/budget.py cifar10-jpeg.zip --budgets 100s --without whitening muon augment precision

Each run is a command of its own, timed from outside from its start to its exit, and decodes the images anew. Validation
chooses the best epoch; test is scored once. `--without` takes one part of the recipe away at a time (paired seeds):
that is its effect.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe

from ravine.duration import seconds_in
from ravine.runs.planning import QUICK

# What stands in the place of each part of the recipe that is taken away
WITHOUT = {
    "whitening": ["--model", "quicknet(width=16, whitening=false)"],
    "identity": ["--model", "quicknet(width=16, identity=false)"],
    "excitation": ["--model", "quicknet(width=16, excitation=false)"],
    "model": ["--model", "convnet", *(word for flag, value in QUICK.items() for word in (f"--{flag}", str(value)))],
    "muon": ["--optimizer", "adam", "--lr", "0.01"],
    "rho": ["--optimizer", "muon", "--lr", "0.03"],
    "augment": ["--augment", "none"],
    "alternating": ["--augment", "flip, translate(2)"],
    "translate": ["--augment", "flip_alternating"],
    "smoothing": ["--regularize", "none"],
    "focus": ["--focus", "none"],
    "batch": ["--batch", "128", "--lr", "0.03"],
    "precision": ["--precision", "float32"],
}


def ravine(*arguments: str) -> dict:
    said = subprocess.run([sys.executable, "-m", "ravine", *arguments, "--json"], capture_output=True, text=True)
    if said.returncode:
        sys.exit(said.stderr)
    return json.loads(said.stdout)


def one(data: str, budget: str, seed: int, tta: str, settings: list[str]) -> dict[str, float]:
    """One training: test accuracy plain and with views, seconds from start to exit, epochs."""
    with tempfile.TemporaryDirectory() as out:
        started = time.perf_counter()
        asked = ["--budget", budget, "--seed", str(seed), "--out", out, "--cache", f"{out}/cache", "--quiet"]
        summary = ravine("train", data, *asked, *settings)
        seconds = time.perf_counter() - started
        views = ravine("evaluate", summary["run"], data, "--tta", tta, "--cache", f"{out}/cache")
        recipe = (Path(summary["run"]) / "recipe.toml").read_text()
    model = next(line.split(" = ")[1].strip('"') for line in recipe.splitlines() if line.startswith("model"))
    done = {
        "plain": summary["best"]["test"]["accuracy"],
        "views": views["tta"]["accuracy"],
        "seconds": seconds,
        "epochs": summary["epochs"],
        "model": model,
    }
    print(*settings, f"--seed {seed}:", done, file=sys.stderr, flush=True)  # hours of them: none is lost
    return done


def row(name: str, budget: str, runs: list[dict], whole: list[dict] | None = None) -> str:
    plain, views, seconds = (np.array([run[key] for run in runs]) for key in ("plain", "views", "seconds"))
    late = max(seconds - seconds_in(budget), key=abs)
    networks = " / ".join(dict.fromkeys(run["model"] for run in runs))
    cells = [f"{name:24}", f"{networks:20}", f"{np.mean([run['epochs'] for run in runs]):6.1f}"]
    cells += [f"{a.mean():.1%} ({a.min():.1%} to {a.max():.1%})" for a in (plain, views)]
    cells += [f"{seconds.mean():7.1f} s, at most {late:+.1f}"]
    if whole:
        loss = plain - np.array([run["plain"] for run in whole])
        cells += [f"{100 * loss.mean():+.1f} ({100 * loss.min():+.1f} to {100 * loss.max():+.1f})"]
    return " | ".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--budgets", nargs="+", default=["60s", "100s", "5m"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tta", default="shift")
    parser.add_argument("--without", nargs="*", default=[], choices=list(WITHOUT))
    asked = parser.parse_args()
    print(describe(asked.seeds))
    print("budget | network | epochs | plain, mean (least to most) | with views | start to exit | points without it")
    recipes = {"": [], **{part: WITHOUT[part] for part in asked.without}}
    for budget in asked.budgets:
        runs: dict[str, list[dict]] = {part: [] for part in recipes}
        for seed in range(asked.seeds):  # a seed's trainings one after another: the machine drifts for all of them
            turn = seed % len(recipes)  # and none is always the first
            for part in [*recipes][turn:] + [*recipes][:turn]:
                runs[part].append(one(asked.data, budget, seed, asked.tta, recipes[part]))
        for part, found in runs.items():
            print(row(f"{budget} without {part}" if part else budget, budget, found, runs[""] if part else None))


if __name__ == "__main__":
    main()
