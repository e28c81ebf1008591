"""Formulas are read from the rules' own docstrings; heights tell losses."""

import math
from dataclasses import replace

import pytest
import torch

from ravine.cli.landscape import entrants
from ravine.landscape import Racer, Scene, formula
from ravine.landscape.levels import levels
from ravine.optimization import RULES, Adam, Momentum


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_every_rule_says_its_formula(rule):
    lines = formula(rule.__doc__).split("\n")
    assert any(line.startswith("w ← w - lr") for line in lines)
    assert all(line == line.strip() and "    " not in line for line in lines)
    assert max(map(len, lines)) < 100


def test_what_stands_side_by_side_goes_below():
    first, second, *_ = formula(Adam.__doc__).split("\n")
    assert (first, second) == ("m ← beta1 m + (1 - beta1) g", "m_hat = m / (1 - beta1^t)")
    assert formula("No block.") == formula(None) == ""


CARDS = {
    "momentum": "v ← rho v + g\nw ← w - lr v",
    "momentum(nesterov=true)": "v ← rho v + g\nw ← w - lr (g + rho v)",
    "adam(bias_correction=false)": "m ← beta1 m + (1 - beta1) g\nv ← beta2 v + (1 - beta2) g^2\n"
    "w ← w - lr m / (sqrt(v) + eps)",
    "adamw": "m ← beta1 m + (1 - beta1) g\nm_hat = m / (1 - beta1^t)\nv ← beta2 v + (1 - beta2) g^2\n"
    "v_hat = v / (1 - beta2^t)\nw ← w - lr (m_hat / (sqrt(v_hat) + eps) + decay w)",
}


@pytest.mark.parametrize("rule", CARDS)
def test_a_card_shows_the_form_with_its_settings_only(rule):
    (entrant,) = entrants(rule)
    assert entrant.formula == CARDS[rule]


def test_a_line_without_settings_keeps_its_condition():
    assert "if nesterov" in formula(Momentum.__doc__)
    text = "A rule.\n\n    a\n    b  if not x\n    c    if x\n\nIts name."
    assert [formula(text, {"x": x}) for x in (True, False)] == ["a\nc", "a\nb"]


def test_times_are_the_scenes_own_or_count_the_points():
    path = torch.zeros(4, 2)
    racer = Racer.alone("sgd", "", path, torch.ones(4))
    scene = Scene("run", "A run", "", "", ("x", "y"), (0, 4, 0, 3), torch.ones(3, 4), (0, 0), (), (racer,))
    assert [scene.moment(i) for i in range(scene.last + 1)] == [0, 1, 2, 3]
    assert [replace(scene, times=(0, 4, 8, 10)).moment(i) for i in range(4)] == [0, 4, 8, 10]


def test_heights_tell_losses():
    grid = torch.tensor([[3.0, 3.5, 10.0], [100.0, 1e4, 3.0]], dtype=torch.float64)
    heights, low, high, offset = levels(grid)
    torch.testing.assert_close((low + heights * (high - low)).exp() + offset, grid)
    assert float(heights.min()) == 0
    assert float(heights.max()) == 1


def test_losses_that_are_no_numbers_are_as_high_as_the_highest():
    heights = levels(torch.tensor([[1.0, math.inf], [math.nan, 5.0]], dtype=torch.float64)).heights
    assert heights.tolist() == [[0, 1], [1, 1]]
    assert levels(torch.full((2, 2), 7.0)).heights.tolist() == [[0, 0], [0, 0]]


def test_a_scene_of_one_racer_has_no_sliders():
    path = torch.tensor([[0.0, 0], [1, 1]])
    racer = Racer.alone("sgd", "w ← w - lr g", path, torch.tensor([2.0, 1.0]), rate=0.1)
    grid = torch.ones(3, 4, dtype=torch.float64)
    scene = Scene("run", "A run", "", "", ("x", "y"), (0, 4, 0, 3), grid, (0, 0), (), (racer,))
    assert scene.home == scene.shown(racer) == (0, 0)
    assert racer.paths.shape == (1, 1, 2, 2)
    assert racer.losses[scene.shown(racer)].tolist() == [2, 1]
    assert int(racer.ended) == -1
