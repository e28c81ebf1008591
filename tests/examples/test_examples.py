"""The examples run as they stand, each in a process and a folder of its own, and print what they promise.

Those for MLflow and Weights & Biases are tested in tests/tracking.
"""

import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from ravine import data

EXAMPLES = Path(__file__).parents[2] / "examples"
TOUR = nbformat.read(EXAMPLES / "tour.ipynb", as_version=4)
CODE = [cell for cell in TOUR.cells if cell.cell_type == "code"]
FIGURE = "application/vnd.plotly.v1+json"  # what JupyterLab and VS Code draw

# script, arguments, what it prints (in this order)
RUNS = [
    ("from_scratch", ["few.npz"], [r"best +\d+\.\d% of 80 test images \(95% interval", r"(?m)^everything on one page"]),
    ("ensemble", [], ["5 members: .* for new trainings", "5 of them: ", r"where (all agree|they disagree): "]),
    ("finetune", [], [r"fine-tuned +\d+\.\d% .* 857 test images", "from scratch", r"stem +linear probe"]),
    ("own_loop", ["0.3"], ["rate too high: .* units are dead", "epoch 6: loss", r"averaged weights: \d\d\.\d% \(95%"]),
    ("sklearn_pipeline", [], ["three folds: ", "chosen: {'classifier__lr'", r"test, once, at the end: 9\d\.\d%"]),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to run in, with the first 400 digits in a file, as rows of pixels: a small network is enough."""
    digits = data.load("digits").splits["train"]
    np.savez(tmp_path / "few.npz", x=digits.take(range(400)).reshape(400, -1) / 255, y=digits.y[:400])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


@pytest.mark.parametrize(("script", "arguments", "promised"), RUNS, ids=[f"{run[0]}{len(run[1])}" for run in RUNS])
def test_script(script, arguments, promised, folder):
    command = [sys.executable, "-W", "error", EXAMPLES / f"{script}.py", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    places = [re.search(pattern, done.stdout) for pattern in promised]
    assert all(places), done.stdout
    assert [place.start() for place in places] == sorted(place.start() for place in places)


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    """The notebook's outputs by the name of their cell."""
    folder = tmp_path_factory.mktemp("tour")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(folder / name))
        notebook = deepcopy(TOUR)
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


def test_tour_runs_and_prints(tour):
    printed = {
        name: "".join(out.text for out in outputs if out.get("name") == "stdout") for name, outputs in tour.items()
    }
    assert "test images (95% interval" in printed["report"]
    assert "for new trainings" in printed["ensemble"]
    assert re.search("digits\nsick\n  rate too high: .*Try ravine lr-find", printed["own"]), printed["own"]
    better, worse = re.findall(r"(\d+\.\d)% of 857", printed["finetune"])
    assert float(better) > float(worse)


@pytest.mark.parametrize("cell", ["rate", "curves", "confusion", "errors", "ensemble"])
def test_tour_shows_figures(tour, cell):
    shown = [out.data for out in tour[cell] if "data" in out]
    assert sum(FIGURE in one for one in shown) == 1
    assert next(one[FIGURE] for one in shown if FIGURE in one)["data"], "something is drawn"


def test_tour_shows_the_race(tour):
    assert "<svg" in tour["landscape"][-1].data["image/svg+xml"]


def test_tour_is_kept_without_outputs():
    nbformat.validate(TOUR)
    assert all(cell.outputs == [] and cell.execution_count is None for cell in CODE)


def test_each_cell_of_the_tour_says_why():
    kinds = [cell.cell_type for cell in TOUR.cells]
    assert kinds == ["markdown", "code"] * len(CODE) + ["markdown"]


def test_no_example_is_forgotten():
    names = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert names == set(re.findall(r"\]\((.+?)\)", (EXAMPLES / "README.md").read_text(encoding="utf-8")))
    assert {f"{run[0]}.py" for run in RUNS} == {name for name in names if re.search(r"(?<!observer)\.py$", name)}
