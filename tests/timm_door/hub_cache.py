"""The Hugging Face cache of a machine that once fetched some weights, and what a process without a network finds there.

HF_HOME/hub/models--OWNER--NAME/refs/main              the name of a snapshot
HF_HOME/hub/models--OWNER--NAME/snapshots/<it>/...     its files
"""

import json
import os
import subprocess
import sys

from safetensors.torch import save_file

COMMIT = "a" * 40


def put(home, repository, state=None, config=None):
    """Puts a repository into the cache: weights, a description, or both."""
    folder = home / "hub" / f"models--{repository.replace('/', '--')}"
    snapshot = folder / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    if state is not None:
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, snapshot / "model.safetensors")
    if config is not None:
        (snapshot / "config.json").write_text(json.dumps(config))
    return snapshot


def offline(home, code, *arguments):
    """Runs Python code in a process of its own that has this cache and no network; returns what it printed, as JSON."""
    environment = {**os.environ, "HF_HOME": str(home), "TORCH_HOME": str(home / "torch"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
