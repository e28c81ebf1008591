"""The race is the library's own rules, step by step; who goes astray is stopped."""

from dataclasses import replace

import pytest
import torch

from ravine.cli.landscape import entrants
from ravine.landscape import SURFACES, race
from ravine.landscape.tracks import room, run
from ravine.optimization import RULES, SGD, Momentum, Stepper

BY_KEY = {surface.key: surface for surface in SURFACES}
SMALL = [name for name, rule in RULES.items() if not rule.whole]


def by_hand(surface, stepper, steps, seed=0):
    w = torch.tensor([surface.start], dtype=torch.float64)
    path = [w.clone()]
    for step in range(steps):
        g = surface.gradient(w)
        stepper.step(w, g + surface.noise(seed, step) if surface.sigma else g, 1.0)
        path.append(w.clone())
    return torch.cat(path)


def column(number):
    """As a tensor, since `beta1**t` of a Python number may differ in the last bit."""
    return torch.tensor([[number]], dtype=torch.float64)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("key", ["ravine", "noisy"])
def test_a_setting_among_many_moves_as_one_stepper_alone(name, key):
    """Bit for bit, beside the other rules and all settings of the sliders."""
    surface = BY_KEY[key]
    scene = race(surface, entrants(f"sgd, {name}(decay=0.0), adam"), steps=40, seed=3)
    racer = scene.racers[1]
    momentum = next((n for n in ("rho", "beta1") if n in Stepper(RULES[name]).group), None)
    for f, friction in enumerate(scene.frictions if momentum else (None,)):
        for r in (0, 4, 6):
            columns = {"lr": column(racer.rates[r])} | ({momentum: column(friction)} if momentum else {})
            path = by_hand(surface, Stepper(RULES[name], decay=0.0, **columns), 40, seed=3)
            if racer.ended[f, r] < 0:
                assert torch.equal(racer.paths[f, r], path)
                assert torch.equal(racer.losses[f, r], surface.function(path))
            else:
                good = int(racer.ended[f, r])
                assert torch.equal(racer.paths[f, r, :good], path[:good])


def test_every_rule_meets_the_same_noise():
    """Momentum without memory is SGD, also under noise: only if both get the same."""
    surface = BY_KEY["noisy"]
    lanes = [(Stepper(SGD, lr=0.02), 3), (Stepper(Momentum, lr=0.02, rho=0.0), 2)]
    first, second = run(surface, lanes, 50, seed=1)
    assert torch.equal(first.paths[0], second.paths[0])
    assert torch.equal(first.paths[0], first.paths[2])
    assert not torch.equal(first.paths, run(surface, lanes, 50, seed=2)[0].paths)


def test_who_leaves_the_room_stays_at_the_last_place_inside():
    surface = BY_KEY["ravine"]
    rates = torch.tensor([[0.02], [0.05], [1e4]], dtype=torch.float64)
    (tracks,) = run(surface, [(Stepper(SGD, lr=rates), 3)], 60)
    x0, x1, y0, y1 = room(surface.window)
    assert tracks.ended[0] == -1
    assert tracks.ended[2] == 1
    assert torch.equal(tracks.paths[2], tracks.paths[2, :1].expand(61, 2))
    path = by_hand(surface, Stepper(SGD, lr=0.05), 60)
    outside = [not (x0 <= x <= x1 and y0 <= y <= y1) for x, y in path.tolist()]
    assert int(tracks.ended[1]) == outside.index(True)
    assert torch.equal(tracks.paths[1, int(tracks.ended[1]) :].unique(dim=0)[0], path[outside.index(True) - 1])
    assert tracks.losses.isfinite().all()


def test_what_is_not_a_number_has_diverged():
    def cliff(w):
        return (w**2).sum(-1) / (w[..., 0] > -1).double()  # 0 / 0 or infinite beyond

    surface = replace(BY_KEY["ravine"], function=cliff, start=(3.0, 0.0))
    (tracks,) = run(surface, [(Stepper(SGD, lr=0.7), 1)], 5)
    assert tracks.ended.tolist() == [1]
    assert tracks.losses.isfinite().all()


def test_the_room_is_three_windows():
    assert room((-1, 3, 0, 2)) == (-5, 7, -2, 4)
