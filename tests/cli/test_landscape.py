"""`ravine landscape` as a person uses it."""

import subprocess
import sys

import numpy as np
import pytest

import ravine
from ravine import data
from ravine.cli import main
from ravine.cli.landscape import Options, entrants
from ravine.landscape import SURFACES
from ravine.optimization import RULES


def called(capsys, *arguments):
    code = main(["landscape", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_without_arguments_it_writes_the_page_of_all_surfaces_here(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = called(capsys)
    assert code == 0, err
    assert err == ""
    text = (tmp_path / "landscape.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "landscape.html" in out
    for surface in SURFACES:
        assert surface.key in out
        assert f'"key":"{surface.key}"' in text
    assert [file.name for file in tmp_path.iterdir()] == ["landscape.html"]


def test_the_table_tells_rates_losses_and_steps(tmp_path, capsys):
    code, out, _ = called(capsys, "--surface", "ravine", "-o", tmp_path / "r.html", "--rules", "sgd, adam(lr=0.5)")
    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.startswith("  ")}
    assert rows["sgd"] == ["0.0312", "0.0023", "72"]
    assert rows["adam(lr=0.5)"][0] == "0.5"
    assert "thousandth" in out


def test_a_still_has_a_panel_for_each_surface(tmp_path, capsys):
    code, *_ = called(capsys, "--surface", "saddle, ravine,saddle", "--steps", "10", "--out", tmp_path / "two.svg")
    assert code == 0
    text = (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert text.count("<image") == 2
    assert text.index("A saddle") < text.index("A ravine")
    assert text.count("loss at step 10") == 2


def test_equal_seeds_give_equal_bytes_and_others_other_noise(tmp_path, capsys):
    pages = []
    for seed in (1, 1, 2):
        file = tmp_path / "noisy.html"
        assert called(capsys, "--surface", "noisy", "--steps", 30, "--seed", seed, "-o", file)[0] == 0
        pages.append(file.read_bytes())
    assert pages[0] == pages[1] != pages[2]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--surface", "ravin"], 2, "Did you mean 'ravine'"),
        (["--surface", "sadle,ravine"], 2, "Did you mean 'saddle'"),
        (["--surface", ""], 2, "no surface ''"),
        (["--out", "picture.png"], 2, ".svg"),
        (["--out", "page"], 2, ".html"),
        (["--steps", "-1"], 2, "--steps"),
        (["--steps", "1000000"], 2, "10,000"),
        (["--rules", ""], 2, "--rules"),
        (["--rules", "adm"], 2, "Did you mean 'adam'"),
        (["--rules", "adam, adam"], 2, "adam is there twice"),
        (["--rules", "adam(beta1=2)"], 2, "beta1"),
        (["--rules", "sgd(lr=-1)"], 2, "lr"),
        (["--rules", "sgd(rho=0.9)"], 2, "no setting 'rho'"),
        (["--rules", "muon"], 2, "two weights"),
        (["--rules", "__import__('os')"], 2, "--rules"),
        (["--surface", "ravine", "--steps", "2", "--out", "missing/page.html"], 4, "cannot be written"),
        (["--surfaces", "ravine"], 2, "Did you mean '--surface'"),
        (["--points", "25"], 2, "--points: would change nothing, since no run is given"),
        (["--images=9"], 2, "no run"),
        (["--directions", "random"], 2, "no run"),
        (["--data", "digits"], 2, "no run"),
        (["--device", "cpu"], 2, "no run"),
        (["--cache", "here"], 2, "no run"),
        (
            ["runs/photos", "--surface", "all"],
            2,
            "--surface: would change nothing, since a run's landscape has no race",
        ),
        (["runs/photos", "--rules=sgd"], 2, "no race"),
        (["runs/photos", "--steps", "0"], 2, "no race"),
    ],
)
def test_whatever_is_wrong_gives_one_clear_line(arguments, code, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    got, out, err = called(capsys, *arguments)
    assert got == code, err
    assert words in err
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_small_sizes_are_not_told_as_nothing(tmp_path, capsys):
    still, page = tmp_path / "small.svg", tmp_path / "page.html"
    _, out, _ = called(capsys, "--surface", "saddle", "--steps", "2", "--rules", "sgd", "-o", still)
    assert f"small.svg  {still.stat().st_size / 1000:.0f} kB;" in out
    _, out, _ = called(capsys, "--surface", "saddle,ravine,noisy", "-o", page)
    assert f"page.html  {page.stat().st_size / 1e6:.1f} MB;" in out


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path, capsys):
    folder = tmp_path / "page.html"
    folder.mkdir()
    assert called(capsys, "--surface", "ravine", "--steps", "2", "-o", folder)[0] == 4
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_every_rule_that_moves_single_numbers_can_race(tmp_path, capsys):
    names = ", ".join(name for name, rule in RULES.items() if not rule.whole)
    code, _, err = called(
        capsys, "--rules", names, "--surface", "rosenbrock", "--steps", "20", "-o", tmp_path / "a.svg"
    )
    assert code == 0, err


def test_momentum_has_a_slider_where_the_rule_has_one_and_nobody_set_it():
    assert [e.rolls for e in entrants("sgd, momentum, momentum(rho=0.95), rmsprop, adam, lion, adam(beta1=0.5)")] == [
        False, True, False, False, True, True, False,
    ]  # fmt: skip
    assert [e.rate for e in entrants("sgd, adam(lr=0.5), sgd(lr=0.0)")] == [None, 0.5, 0.0]


def test_the_help_names_every_surface_and_needs_no_torch():
    assert all(surface.key in Options.__doc__ for surface in SURFACES)
    code = "import sys; from ravine.cli import main\ntry: main(['landscape', '--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" not in done.stdout.splitlines()[-1].split()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    assert main(["train", "digits", "--model", "mlp([8])", "--epochs", "3", "--quiet", "--out", str(out)]) == 0
    return out / "digits"


@pytest.mark.parametrize("directions", ["path", "random"])
def test_the_landscape_that_a_run_crossed(trained, tmp_path, capsys, directions):
    chosen = ["--points", 5, "--images", 50, "--directions", directions]
    for name in ("run.html", "run.svg"):
        code, out, err = called(capsys, trained, "-o", tmp_path / name, *chosen)
        assert code == 0, err
        assert name in out
        assert "digits" in (tmp_path / name).read_text(encoding="utf-8")
    assert '"time":"epoch"' in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_a_runs_page_is_called_after_it_and_overwrites_no_race(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = called(capsys, trained, "--points", 5, "--images", 50, "--directions", "random", "--seed", 3)
    assert code == 0, err
    assert "digits-landscape.html" in out
    assert [file.name for file in tmp_path.iterdir()] == ["digits-landscape.html"]
    first = (tmp_path / "digits-landscape.html").read_bytes()
    called(capsys, trained, "--points", 5, "--images", 50, "--directions", "random")
    assert (tmp_path / "digits-landscape.html").read_bytes() != first, "another seed, other directions"
    monkeypatch.chdir(trained)
    assert called(capsys, ".", "--points", 5, "--images", 50)[0] == 0
    (trained / "digits-landscape.html").unlink()


def test_a_run_on_arrays_is_shown_with_the_file_that_holds_them(tmp_path, capsys):
    digits = data.load("digits").splits["train"]
    arrays = digits.take(np.arange(200)), digits.y[:200]
    settings = {"model": "mlp([8])", "epochs": 2, "quiet": True, "device": "cpu"}
    run = ravine.train(arrays, out=tmp_path, **settings)
    chosen = ["--points", 5, "--images", 50, "-o", tmp_path / "run.html"]
    code, _, err = called(capsys, run.path, *chosen)
    assert code == 2
    assert "--data FILE.npz, or in Python source=(x, y)" in err
    for name, x, expected in (("same", arrays[0], 0), ("other", 255 - arrays[0], 3)):
        np.savez(tmp_path / f"{name}.npz", x=x, y=arrays[1])
        code, _, err = called(capsys, run.path, "--data", tmp_path / f"{name}.npz", *chosen)
        assert code == expected, err
    assert "not the data that the run trained on" in err


def test_what_is_no_run_is_one_line(tmp_path, capsys):
    for arguments, words in (((tmp_path / "gone",), "not a run folder"), ((tmp_path,), "not a run folder")):
        code, _, err = called(capsys, *arguments)
        assert code == 3
        assert words in err
        assert err.count("\n") == 1


def test_a_run_without_its_data_says_how(trained, capsys):
    code, _, err = called(capsys, trained, "--data", "/no/such/place")
    assert code == 3
    assert "no such" in err.lower()
