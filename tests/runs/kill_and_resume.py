"""Driver of test_kill_and_resume.py: trains in forked children, kills each at its point, resumes it, reports.

A process of its own, so that torch is imported once and nothing has started threads before the forks.

    kill_and_resume.py WORKPLACE DATA < {"settings": {...}, "scenarios": [...]} > results.json

Settings are those of `ravine.train`. A scenario is {"kind": "step" | a failpoint's name, "at": which hit kills,
"every_step": save after every step, "signal": its number}.
"""

import hashlib
import json
import os
import sys
import traceback
from pathlib import Path

import ravine
from ravine.checkpoints import store
from ravine.optimization import Stepper
from ravine.runs import saving


def arm(scenario, marker):
    """From now on the `at`-th hit of the scenario's point leaves the marker and sends the signal."""
    hits = iter(range(1, 10**9))

    def hit():
        if next(hits) == scenario["at"]:
            marker.write_text("hit")
            os.kill(os.getpid(), scenario["signal"])

    if scenario["kind"] == "step":
        plain = Stepper.step

        def step(self, *arguments):
            plain(self, *arguments)
            hit()

        Stepper.step = step
    else:
        store.failpoint = lambda name: hit() if name == scenario["kind"] else None


def train(data, out, settings, scenario, marker=None):
    saving.COST_SHARE = 1e9  # a save is due after every epoch, whatever it costs
    saving.MID_EPOCH_SECONDS = 0.0 if scenario.get("every_step") else 1e9
    if marker:
        arm(scenario, marker)
    ravine.train(data, out=out, name="run", quiet=True, device="cpu", cache=out / "cache", **settings)


def forked(work, *arguments):
    """Runs `work` in a child; its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            work(*arguments)
            code = 0
        except ravine.RavineError as error:
            code = error.exit_code
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def fingerprint(run):
    """SHA-256 of all that a training leaves: both weights files, the last checkpoint (weights, rule, best), metrics."""
    newest = run / "checkpoints" / (run / "checkpoints" / "LATEST").read_text().strip()
    files = [run / "weights" / "best.safetensors", run / "weights" / "last.safetensors", run / "metrics.jsonl"]
    files += [newest / "tensors.safetensors", newest / "state.json", *sorted((run / "path").glob("*"))]
    optional = (run / "weights" / f"{name}.safetensors" for name in ("raw", "snapshots"))
    files += [path for path in optional if path.exists()]
    return {str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def main(workplace, data):
    workplace = Path(workplace)
    task = json.load(sys.stdin)
    settings = task["settings"]
    assert forked(train, data, workplace / "whole", settings, {}) == 0
    results = {"whole": fingerprint(workplace / "whole" / "run"), "scenarios": []}
    for number, scenario in enumerate(task["scenarios"]):
        out = workplace / f"scenario-{number}"
        marker = workplace / f"marker-{number}"
        ended = forked(train, data, out, settings, scenario, marker)
        latest = out / "run" / "checkpoints" / "LATEST"
        saved = latest.read_text().strip() if latest.exists() else None
        resumed = forked(train, data, out, settings, scenario)
        results["scenarios"].append(
            {
                "hit": marker.exists(),
                "ended": ended,
                "saved": saved,
                "resumed": resumed,
                "folders": sorted(path.name for path in out.iterdir() if path.name.startswith("run")),
                "fingerprint": fingerprint(out / "run") if resumed == 0 else None,
            }
        )
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    assert ravine.runs.train is ravine.train
    main(*sys.argv[1:])
