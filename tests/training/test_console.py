import io
import math
import re
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console as Terminal

from ravine.training.console import Console, epoch_line, shown_accuracy


def terminal(**settings):
    return Terminal(file=io.StringIO(), width=120, highlight=False, soft_wrap=True, **settings)


def play(console):
    for step in range(1, 41):
        console.training(step, 40, lambda: "epoch 2/2  loss 0.5", batch=32)
        console._shown -= 0.3  # as if time had passed, 12 seconds in all
    console.say("epoch 1/2 [red]done[/red]")
    console.close()
    return console.terminal.file.getvalue()


def test_plain_lines_where_no_one_looks_at_a_terminal():
    out = play(Console(terminal=terminal()))
    assert out == "epoch 1/2 [red]done[/red]\n"


def test_a_long_silence_is_broken(monkeypatch):
    monkeypatch.setattr("ravine.training.console._PLAIN_SECONDS", 1e-9)
    console = Console(terminal=terminal())
    console.training(1, 9, lambda: "epoch 1/9", batch=32)
    console.training(2, 9, lambda: "epoch 1/9", batch=32)
    assert console.terminal.file.getvalue().count("epoch 1/9") == 1


def test_one_bar_with_speed_and_time_left_in_a_terminal():
    out = play(Console(terminal=terminal(force_terminal=True)))
    assert re.search(r"epoch 2/2  loss 0\.5  [\d,]+ images/s  0:00:\d\d left", out)
    assert "epoch 1/2 [red]done[/red]" in out


def test_no_color_has_no_colours(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(terminal=terminal(force_terminal=True))
    console.warn("careful")
    assert console.terminal.file.getvalue() == "warning: careful\n"


def test_one_rewritten_line_in_a_notebook(capsys):
    console = Console(terminal=terminal())
    console.notebook = True
    play(console)
    err = capsys.readouterr().err
    assert err.count("\n") == 0
    assert err.count("\r") >= 40


def test_quiet_says_warnings_only_and_the_log_has_all(tmp_path):
    console = Console(quiet=True, terminal=terminal())
    console.say("before the folder was there")
    console.log_to(tmp_path / "log.txt")
    play(console)
    console.warn("careful")
    assert console.terminal.file.getvalue() == "warning: careful\n"
    said = (tmp_path / "log.txt").read_text().splitlines()
    assert said == ["before the folder was there", "epoch 1/2 [red]done[/red]", "warning: careful"]


@pytest.mark.parametrize("best", [True, False])
def test_epoch_lines_stand_in_columns(best):
    row = {"epoch": 3, "train/loss": 1.25, "train/accuracy": 0.5, "val/accuracy": 0.625}
    line = epoch_line(row, {"images_per_second": 1234.4}, 10, best)
    assert line.startswith("epoch  3/10  loss 1.2500  train  50.0%  val  62.5%")
    assert ("best" in line) == best
    assert line.endswith("1,234 images/s")


def test_a_sweep_has_no_vote_but_a_best_member():
    """Members that differ in what is tried do not vote; one that is lost (null or NaN) is not the best."""
    each = {f"member{k:02d}/val/accuracy": share for k, share in enumerate((0.2, 0.7, None, math.nan))}
    row = {"epoch": 1, "train/loss": 1, "train/accuracy": 0.5, "val/accuracy": 0.45, "vote/val/accuracy": 0.9, **each}
    assert (shown_accuracy(row), shown_accuracy(row, sweep=True)) == (0.9, 0.7)
    assert "val up to  70.0% best" in epoch_line(row, {"images_per_second": 1}, 2, True, sweep=True)
    assert "val  90.0% best" in epoch_line(row, {"images_per_second": 1}, 2, True)


def test_a_kernel_is_a_notebook_and_its_import_is_none(monkeypatch):
    shell = SimpleNamespace(kernel=None)
    monkeypatch.setitem(sys.modules, "ipykernel", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not Console(terminal=terminal()).notebook
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert Console(terminal=terminal()).notebook
