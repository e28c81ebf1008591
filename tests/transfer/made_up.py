"""Numbers of a transfer experiment that nobody measured: right answers with a given accuracy at each point."""

import numpy as np

from ravine.transfer.what_transfers import Transfer, settings, spread_out

FLAT = {"frozen": lambda d: 0.9, "tuned": lambda d: 0.9, "random": lambda d: 0.5, "whole": lambda d: 0.92}


def answers(rng, accuracy, hard, seeds, noise):
    """bool [K, N]: easy images are called right, with a little luck; `accuracy` of them on average."""
    score = hard + rng.normal(0, noise, (seeds, len(hard)))
    return score < np.quantile(score, accuracy) if accuracy < 1 else np.ones_like(score, dtype=bool)


def made(curves=FLAT, scratch=0.6, blocks=4, seeds=3, n=300, n_test=0, depths=None, names=None, seed=0, noise=0.05,
         **changes):  # fmt: skip
    rng, depths = np.random.default_rng(seed), depths or spread_out(blocks)
    accuracy = {s: scratch if s[0] == "scratch" else curves[s[0]](s[1]) for s in settings(depths)}
    hard, harder = rng.random(n), rng.random(n_test)
    right = {s: answers(rng, accuracy[s], hard, seeds, noise) for s in accuracy}
    asked = [s for s in accuracy if s[0] in ("whole", "scratch") or s == ("frozen", blocks)]
    return Transfer(
        **{
            "weights": "old.th",
            "data": "photos",
            "blocks": tuple(names or ["stem", *(f"layer{i}" for i in range(1, blocks))]),
            "parameters": tuple(10 * (i + 1) for i in range(blocks + 1)),
            "depths": depths,
            "right": right,
            "test": {s: answers(rng, accuracy[s], harder, seeds, noise) for s in asked} if n_test else {},
            "seconds": dict.fromkeys(accuracy, 1.5),
            "probes": tuple(np.linspace(0.3, 0.8, blocks).tolist()),
            "cka": np.linspace(1, 0.5, blocks).repeat(seeds).reshape(blocks, seeds).T,
            "epochs": 5,
            "commands": {"finetune": "ravine finetune old.th photos/", "train": "ravine train photos/"},
            **changes,
        }
    )
