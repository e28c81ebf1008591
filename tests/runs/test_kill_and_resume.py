"""Killed at any moment and started again: the same bytes as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ravine import data

STEPS = 4 * 8  # 4 epochs of 8 batches: 240 images for training in batches of 32
FAILPOINTS = (
    "after-open",
    "mid-write",
    "before-fsync",
    "before-manifest",
    "before-rename",
    "before-pointer",
    "mid-delete",
)


def scenarios():
    rng = random.Random(0)  # noqa: S311
    killed = {"signal": signal.SIGKILL}
    for i, at in enumerate(sorted(rng.sample(range(1, STEPS + 1), 10))):
        yield {"kind": "step", "at": at, "every_step": i % 2 == 1, **killed}
    for name in FAILPOINTS:
        # the third save is the first that has an older one to delete; a save opens two files and writes several chunks
        yield {"kind": name, "at": 1 if name == "mid-delete" else rng.randint(1, 3), "every_step": False, **killed}
    for name in ("mid-write", "before-rename", "mid-delete"):
        yield {"kind": name, "at": rng.randint(4, 10), "every_step": True, **killed}
    for at in (5, 13):
        yield {"kind": "step", "at": at, "every_step": False, "signal": signal.SIGTERM}


SCENARIOS = list(scenarios())


PLAIN = {"model": "mlp(hidden=(16,))", "epochs": 4, "batch": 32, "val": 0.2, "optimizer": "adam", "lr": 0.01}
PLAIN |= {"focus": "hard(until=1)"}  # whose orders follow from the losses of the epochs before
# all that draws or keeps state at once: members under vmap, momentum, augmentation, repeated images, batch norm, an
# average of the weights, a second gradient a step, a schedule that watches the validation
RICH = {
    "model": "convnet(width=4)",
    "members": 2,
    "forward": "vmap",
    "optimizer": "momentum(nesterov=True)",
    "augment": "translate(1), rotate(10), jitter(0.2), erase, mixup(0.2), cutmix",
    "balance": "sampler",
    "clip": 1.0,
    "average": "ema(0.9)",
    "sam": 0.02,
    "regularize": "dropout(0.3), spatial_dropout(0.1), stochastic_depth(0.1), l2(1e-3), weight_noise(0.01)",
    "schedule": "plateau(patience=1)",
    "epochs": 3,
    "batch": 64,
    "val": 0.2,
}
RICH_SCENARIOS = [
    {"kind": "step", "at": 3, "every_step": True, "signal": signal.SIGKILL},
    {"kind": "step", "at": 6, "every_step": False, "signal": signal.SIGKILL},
    {"kind": "before-rename", "at": 2, "every_step": True, "signal": signal.SIGKILL},
]


def killed_and_resumed(workplace, settings, scenarios):
    digits = data.load("digits").splits["train"]
    np.savez(workplace / "some.npz", x=digits.take(np.arange(300)), y=digits.y[:300])
    driver = Path(__file__).with_name("kill_and_resume.py")
    done = subprocess.run(
        [sys.executable, driver, workplace, workplace / "some.npz"],
        input=json.dumps({"settings": settings, "scenarios": scenarios}),
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # forty short trainings: threads would only wait for each other
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# five members side by side, of which the fifth has a rate that loses it in the first epoch
FIVE = {
    "model": "convnet(width=4)",
    "members": 5,
    "first_member": 2,
    "forward": "wide",
    "sweep": "lr=[0.003, 0.01, 0.03, 0.1, 1e38]",
    "optimizer": "momentum",
    "regularize": "dropout(0.3)",
    "average": "ema(0.9)",
    "epochs": 2,
    "batch": 64,
    "val": 0.2,
}
FIVE_SCENARIOS = [
    {"kind": "step", "at": 3, "every_step": True, "signal": signal.SIGKILL},
    {"kind": "before-rename", "at": 2, "every_step": False, "signal": signal.SIGKILL},
]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return killed_and_resumed(tmp_path_factory.mktemp("killed"), PLAIN, SCENARIOS)


@pytest.mark.parametrize(("settings", "scenarios"), [(RICH, RICH_SCENARIOS), (FIVE, FIVE_SCENARIOS)])
def test_with_all_that_draws_or_keeps_state(tmp_path, settings, scenarios):
    results = killed_and_resumed(tmp_path, settings, scenarios)
    for result in results["scenarios"]:
        assert (result["hit"], result["ended"], result["resumed"]) == (True, -signal.SIGKILL, 0)
        assert result["fingerprint"] == results["whole"]


def test_twenty_kills_are_tried():
    assert sum(s["signal"] == signal.SIGKILL for s in SCENARIOS) == 20


@pytest.mark.parametrize("number", range(len(SCENARIOS)), ids=[f"{s['kind']}-{s['at']}" for s in SCENARIOS])
def test_the_result_is_that_of_the_uninterrupted_run(results, number):
    scenario, result = SCENARIOS[number], results["scenarios"][number]
    assert result["hit"], "the point was really reached"
    assert result["ended"] == (-signal.SIGKILL if scenario["signal"] == signal.SIGKILL else 143)
    assert result["resumed"] == 0
    assert result["folders"] == ["run"], "resumed, not started anew"
    assert result["fingerprint"] == results["whole"]
    if scenario["signal"] == signal.SIGTERM:
        assert result["saved"] == f"step-{scenario['at']:09d}", "saved at the very next step"
