"""The observers of examples/ for MLflow and Weights & Biases, with stand-ins that keep what they are told."""

import importlib.util
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import ravine
from ravine import data

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = {"model": "mlp(hidden=[8])", "epochs": 3, "batch": 32, "quiet": True, "device": "cpu"}


class FakeMLflow(ModuleType):
    """As mlflow's functions of these names; `runs` holds what each run was told."""

    def __init__(self):
        super().__init__("mlflow")
        self.runs, self.active = {}, None

    def start_run(self, run_id=None, run_name=None):
        self.active = run_id or f"id-{len(self.runs)}"
        self.runs.setdefault(self.active, {"name": run_name, "params": {}, "metrics": [], "artifacts": [], "ended": 0})
        return SimpleNamespace(info=SimpleNamespace(run_id=self.active))

    def log_params(self, params):
        known = self.runs[self.active]["params"]
        assert all(known.get(name, value) == value for name, value in params.items()), "mlflow refuses a change"
        known.update(params)

    def log_metrics(self, metrics, step):
        assert all(isinstance(value, int | float) for value in metrics.values())
        self.runs[self.active]["metrics"].append((step, metrics))

    def log_metric(self, name, value):
        self.runs[self.active][name] = value

    def log_artifact(self, path):
        assert Path(path).is_file()
        self.runs[self.active]["artifacts"].append(Path(path).name)

    def end_run(self):
        self.runs[self.active]["ended"] += 1


class FakeWandB(ModuleType):
    """As wandb.init and the run that it gives; `runs` holds what each run was told."""

    def __init__(self):
        super().__init__("wandb")
        self.runs = {}

    def init(self, project, id, resume, name, config):
        assert (project, resume) == ("ravine", "allow")
        id = id or f"id-{len(self.runs)}"
        kept = self.runs.setdefault(id, {"name": name, "params": config, "metrics": [], "ended": 0, "summary": {}})
        return SimpleNamespace(
            id=id,
            log=lambda row, step: kept["metrics"].append((step, row)),
            summary=kept["summary"],
            finish=lambda: kept.update(ended=kept["ended"] + 1),
        )


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return digits.take(np.arange(200)), digits.y[:200]


@pytest.fixture(params=["mlflow", "wandb"])
def example(request, monkeypatch):
    """The example's observer and the stand-in that it talks to."""
    fake = {"mlflow": FakeMLflow, "wandb": FakeWandB}[request.param]()
    monkeypatch.setitem(sys.modules, request.param, fake)
    found = importlib.util.spec_from_file_location("example", EXAMPLES / f"{request.param}_observer.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return {"mlflow": "MLflow", "wandb": "WandB"}[request.param], module, fake


class Stop(ravine.Observer):
    def epoch(self, row, times, weights):
        raise KeyboardInterrupt


def test_the_tracker_is_told_of_everything(example, arrays, tmp_path):
    name, module, fake = example
    run = ravine.train(arrays, out=tmp_path, observers=[getattr(module, name)()], **SMALL)
    (told,) = fake.runs.values()
    times = run.folder.read_rows("times.jsonl")
    assert told["metrics"] == [(row["epoch"], {**row, **t}) for row, t in zip(run.metrics, times, strict=True)]
    assert told["params"] == asdict(run.recipe)
    assert (told["name"], told["ended"]) == (run.path.name, 1)
    accuracy = told["accuracy"] if name == "MLflow" else told["summary"]["accuracy"]
    assert accuracy == run.summary["accuracy"]
    assert told.get("artifacts", ["report.html"]) == ["report.html"]


def test_a_run_that_is_taken_up_goes_on_in_the_same_place(example, arrays, tmp_path):
    name, module, fake = example
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path, observers=[getattr(module, name)(), Stop()], **SMALL)
    ravine.train(arrays, out=tmp_path, observers=[getattr(module, name)()], **SMALL)
    (told,) = fake.runs.values()
    steps = [step for step, _ in told["metrics"]]
    assert steps == [1, 1, 2, 3]
    again = {k: v for k, v in told["metrics"][1][1].items() if "/" in k}
    assert again == {k: v for k, v in told["metrics"][0][1].items() if "/" in k}, "an epoch again has the same values"
