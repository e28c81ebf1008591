"""Rates are found by the stated criterion, and every surface shows its trap."""

import math
from dataclasses import replace

import pytest
import torch

from ravine.cli.landscape import entrants
from ravine.landscape import SURFACES, race
from ravine.landscape.rates import FACTORS, FRICTIONS, RATES, best
from ravine.landscape.surfaces import KAPPA
from ravine.landscape.tracks import Tracks, run

BY_KEY = {surface.key: surface for surface in SURFACES}


def racer(scene, name):
    return next(r for r in scene.racers if r.name == name)


def losses(scene, name):
    found = racer(scene, name)
    return found.losses[scene.shown(found)]


def end(scene, name):
    found = racer(scene, name)
    return found.paths[scene.shown(found)][-1]


def steps_to(losses, share):
    return int((losses <= share * losses[0]).nonzero()[0])


def hollow(w):
    """The nearest one of the egg box."""
    return (w / 0.99496).round() * 0.99496


def tracks_of(*losses, x=()):
    columns = torch.tensor(losses, dtype=torch.float64)
    paths = torch.zeros(*columns.shape, 2, dtype=torch.float64)
    for member, step, value in x:
        paths[member, step, 0] = value
    return Tracks(paths, columns, torch.full((len(columns),), -1))


def test_the_best_rate_has_the_lowest_loss_on_average_on_a_log_scale():
    window = (-1, 1, -1, 1)
    assert best(tracks_of([8, 4, 2], [8, 2, 2], [8, 8, 1]), window) == 1
    assert best(tracks_of([8, 4, 2], [8, 2, 2], x=[(1, 1, 1.5)]), window) == 0, "it left the picture"
    assert best(tracks_of([8, 4], [8, 2], x=[(0, 1, 2), (1, 1, 2)]), window) == 0, "none stays: the smallest rate"
    assert best(tracks_of([1, 1e-30, 1e-1], [1, 1e-9, 1e-2]), window) == 1, "what is nothing is not better than nothing"
    assert best(tracks_of([1, 1, 0], [1, 1, 1]), window) == 0


def test_the_sliders_begin_at_the_best_rate_and_at_the_rules_own_momentum():
    surface = BY_KEY["ravine"]
    scene = race(surface, entrants("sgd, momentum"))
    assert scene.home == (FRICTIONS.index(0.9), FACTORS.index(1.0))
    for found in scene.racers:
        assert found.rates[scene.home[1]] in RATES
        assert found.rates == tuple(found.rates[scene.home[1]] * factor for factor in FACTORS)
    sgd, momentum = scene.racers
    assert sgd.paths.shape == (1, len(FACTORS), surface.steps + 1, 2)
    assert momentum.losses.shape == (len(FRICTIONS), len(FACTORS), surface.steps + 1)
    assert scene.shown(sgd) == (0, 4)
    assert scene.shown(momentum) == (2, 4)


def test_given_settings_are_kept():
    kept = "momentum(rho=0.95), adam(lr=0.25), adam(bias_correction=false)"
    scene = race(BY_KEY["ravine"], entrants(kept), steps=20)
    heavy, rated, uncorrected = scene.racers
    assert heavy.paths.shape[0] == 1
    assert rated.rates[4] == 0.25
    assert uncorrected.paths.shape[0] == len(FRICTIONS)
    free = race(BY_KEY["ravine"], entrants(f"momentum(lr={heavy.rates[4]}), adam(lr={uncorrected.rates[4]})"), steps=20)
    assert torch.equal(heavy.paths[0], free.racers[0].paths[FRICTIONS.index(0.95)])
    assert not torch.equal(uncorrected.paths[2], free.racers[1].paths[2])
    assert "given" in free.note
    assert race(BY_KEY["ravine"], entrants("sgd"), steps=5).frictions == ()


def test_in_the_ravine_sgd_takes_twice_the_steps_of_momentum(scenes):
    ravine = scenes["ravine"]
    assert steps_to(losses(ravine, "sgd"), 1e-3) > 2 * steps_to(losses(ravine, "momentum"), 1e-3)
    y = racer(ravine, "sgd").paths[0, 4, :12]
    across = BY_KEY["ravine"].gradient(y)[:, 1].sign()
    assert (across[1:] == -across[:-1]).all(), "from wall to wall"


@pytest.mark.parametrize("name", ["adagrad", "rmsprop"])
def test_stretching_the_axes_helps_less_the_more_the_ravine_lies_askew(name):
    """Steps to a thousandth of the first loss at the best rate; the same ravine and start, turned."""
    (entrant,), needed = entrants(name), []
    for degrees in (0, 10, 20, 45):
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

        def turned(w, c=c, s=s):
            return ((c * w[..., 0] + s * w[..., 1]) ** 2 + KAPPA * (c * w[..., 1] - s * w[..., 0]) ** 2) / 2

        surface = replace(BY_KEY["ravine"], function=turned, start=(-3 * c - s, -3 * s + c))
        (tracks,) = run(surface, [entrant.lane(RATES, (0.9,))], 200)
        arrived = tracks.losses <= 1e-3 * tracks.losses[:, :1]
        needed.append(min(int(row.nonzero()[0]) for row in arrived if row.any()))
    assert needed == sorted(set(needed))


def test_on_the_saddle_sgd_and_momentum_slide_to_the_pass_and_the_others_never_come_near(scenes):
    saddle, left = scenes["saddle"], {}
    for r in saddle.racers:
        path = r.paths[saddle.shown(r)]
        nearest, left[r.name] = float(path.norm(dim=1).min()), int((path[:, 0].abs() > 0.5).nonzero()[0])
        assert nearest < 0.05 if r.name.startswith(("sgd", "momentum")) else nearest > 0.7, r.name
    assert 50 <= left.pop("sgd") <= 60, "half the race"
    assert max(left.values()) < 35


def test_on_the_saddle_sgd_is_still_there_when_the_others_have_left(scenes):
    saddle = scenes["saddle"]
    away = {r.name: float(r.paths[saddle.shown(r)][40, 0].abs()) for r in saddle.racers}
    assert away.pop("sgd") < 0.2
    assert float(losses(saddle, "sgd")[40]) == pytest.approx(0.25, abs=0.01)
    assert min(away.values()) > 0.5
    assert abs(float(racer(saddle, "adam").paths[2, 4, 5, 0])) > 0.3, "at once"


def test_on_the_plateau_sgd_never_arrives_and_the_adaptive_ones_do_at_once(scenes):
    plateau = scenes["plateau"]
    sgd, start = racer(plateau, "sgd"), torch.tensor(plateau.start, dtype=torch.float64)
    assert float(sgd.losses[0, 4].min()) > 0.99
    assert float(BY_KEY["plateau"].gradient(start[None]).norm()) == pytest.approx(3e-4, rel=0.1)
    landing = [r for r, rate in enumerate(sgd.rates) if rate < 2]  # 2 / the curvature of the bowl
    assert max(float((sgd.paths[0, r, -1] - start).norm()) for r in landing) < 0.1, "at any rate that could land"
    assert min(steps_to(losses(plateau, name), 1e-2) for name in ("momentum", "momentum(nesterov=true)")) > 150 / 3
    assert 40 < steps_to(losses(plateau, "momentum"), 1e-2) < 100
    for name in ("adagrad", "rmsprop", "adam"):
        assert steps_to(losses(plateau, name), 1e-2) < 20


def test_in_the_valley_only_momentum_passes_the_shallow_minimum(scenes):
    valley = scenes["valley-with-local-minimum"]
    shallow, deep = torch.tensor(valley.minima, dtype=torch.float64)
    assert float((end(valley, "sgd") - shallow).norm()) < 0.01
    assert float((end(valley, "momentum") - deep).norm()) < 0.01
    for stays in ("momentum(nesterov=true)", "adagrad", "rmsprop", "adam"):
        assert float((end(valley, stays) - shallow).norm()) < 0.01
    momentum = racer(valley, "momentum")
    assert float((momentum.paths[FRICTIONS.index(0.5), 4, -1] - shallow).norm()) < 0.01


def test_along_rosenbrocks_valley_momentum_gets_further(scenes):
    rosenbrock = scenes["rosenbrock"]
    assert float(losses(rosenbrock, "momentum")[-1]) < 0.01 * float(losses(rosenbrock, "sgd")[-1])
    assert float(losses(rosenbrock, "adagrad")[-1]) > 1
    for r in rosenbrock.racers:
        x, y = r.paths[rosenbrock.shown(r)].unbind(-1)
        assert int(((y - x**2).abs() < 0.1).nonzero()[0]) <= 12, "the valley is found in a few steps"
        arrived = ((x - 1).hypot(y - 1) < 0.1).nonzero()
        assert len(arrived) == 0 or int(arrived[0]) > 200, "its end in hundreds, if at all"


def test_beales_walls_are_a_thousand_times_as_steep_as_its_basin(scenes):
    beale = scenes["beale"]
    x0, x1, y0, y1 = beale.window
    places = torch.tensor([[x1, y1], [2.0, 0.3]], dtype=torch.float64)
    corner, basin = BY_KEY["beale"].gradient(places).norm(dim=1)
    assert float(corner / basin) > 1000
    twice = {r.name: int(r.ended[beale.shown(r)[0], 5]) for r in beale.racers}
    assert twice.pop("sgd") > 0, "twice the rate throws it out"
    assert set(twice.values()) == {-1}, "and it is the first"
    fall = losses(beale, "sgd")
    assert steps_to(fall, 1e-3) - steps_to(fall, 1e-2) > 3 * steps_to(fall, 1e-1), "slow at the end"


def test_himmelblaus_minima_are_shared_out(scenes):
    himmelblau = scenes["himmelblau"]
    minima = torch.tensor(himmelblau.minima, dtype=torch.float64)
    taken = {int((minima - end(himmelblau, r.name)).norm(dim=1).argmin()) for r in himmelblau.racers}
    assert len(taken) >= 2
    momentum = racer(himmelblau, "momentum").paths[2, :, -1]
    assert len({int((minima - momentum[r]).norm(dim=1).argmin()) for r in (4, 5)}) == 2, "the rate decides too"


def test_in_the_egg_box_every_rule_is_caught(scenes):
    assert min(float(losses(scenes["rastrigin"], r.name)[-1]) for r in scenes["rastrigin"].racers) > 1
    for r in scenes["rastrigin"].racers:
        assert float((end(scenes["rastrigin"], r.name) - hollow(end(scenes["rastrigin"], r.name))).norm()) < 0.25
    adagrad = racer(scenes["rastrigin"], "adagrad").paths[0, :, -1]
    slow, fast = (hollow(adagrad[r]) for r in (0, 5))
    assert not torch.equal(slow, fast), "long steps lead to another one"
    assert float(fast.norm()) > 1, "and it is no good one"


@pytest.mark.parametrize("name", ["sgd", "momentum", "momentum(nesterov=true)", "adam"])
def test_under_noise_the_loss_is_on_average_the_higher_the_higher_the_rate(scenes, name):
    found, noisy = racer(scenes["noisy"], name), scenes["noisy"]
    wandering = found.losses[noisy.shown(found)[0], 3:7, -100:].mean(-1)
    assert (wandering[1:] > wandering[:-1]).all()
    tail = losses(noisy, name)[-100:]
    assert float(tail.max()) > 5 * float(tail.min()), "what stands beside a rule is the loss of one moment"


def test_under_noise_a_higher_rate_ends_further_from_the_minimum(scenes):
    noisy = scenes["noisy"]
    sgd = racer(noisy, "sgd").losses[0, :, -75:].mean(-1)
    slow, best_rate, fast = (float(sgd[noisy.factors.index(factor)]) for factor in (0.5, 1, 4))
    assert slow < best_rate < fast
    arrived = [steps_to(racer(noisy, "sgd").losses[0, r], 0.01) for r in (3, 4)]
    assert arrived[0] > arrived[1]
