"""Runs one save a child process and kills it at each of its failpoints in turn. Usage: kill_driver.py FOLDER."""

import json
import os
import signal
import sys
from pathlib import Path

import torch

from ravine.checkpoints import store

SCENARIOS = {"new": 3, "same": 2}  # after the saves of steps 1 and 2, the killed one is of this step

_FILES = ["after-open", *["mid-write"] * 3, "before-fsync", "after-open", "mid-write", "before-fsync"]
_DONE = ["before-manifest", "before-rename"]
MOMENTS = {
    "new": [*_FILES, *_DONE, "before-pointer", "mid-delete"],
    "same": [*_FILES, *_DONE, "mid-replace", "before-pointer", "mid-delete"],
}


def content(value):
    """Tensors and state of a checkpoint; the header and two tensors make three pieces."""
    return {"weights": torch.full((50, 40), float(value)), "step": torch.tensor(value)}, {"value": value}


def killer(case, number):
    """A failpoint that kills at its `number`-th call and leaves a marker that says where."""
    calls = iter(range(1000))

    def kill(moment):
        if next(calls) == number:
            (case / "marker.json").write_text(json.dumps({"moment": moment, "number": number}))
            os.kill(os.getpid(), signal.SIGKILL)

    return kill


def run(case, step, number):
    """The child: two whole saves, then the one that is killed."""
    for whole in (1, 2):
        store.save(case / "checkpoints", whole, *content(whole))
    store.failpoint = killer(case, number)
    store.save(case / "checkpoints", step, *content(9))


def main(root):
    for scenario, step in SCENARIOS.items():
        for number in range(len(MOMENTS[scenario])):
            case = root / f"{scenario}-{number}"
            case.mkdir()
            child = os.fork()  # cheaper than a process that imports torch again
            if child == 0:
                try:
                    run(case, step, number)
                finally:
                    os._exit(1)
            status = os.waitpid(child, 0)[1]
            killed_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
            (case / "status.json").write_text(json.dumps({"signal": killed_by}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
