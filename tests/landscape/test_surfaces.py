"""The surfaces are what they say: known minima, 0 at the lowest, a start and minima in the picture."""

import pytest
import torch

from ravine.landscape import SURFACES

EVERY_SURFACE = pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.key)
FLAT = {"valley-with-local-minimum": 1}  # how many of the marked minima are not the lowest


def point(*w):
    return torch.tensor([w], dtype=torch.float64)


@EVERY_SURFACE
def test_minima_are_minima(surface):
    assert surface.minima
    angles = torch.linspace(0, 2 * torch.pi, 24, dtype=torch.float64)
    around = torch.stack((angles.cos(), angles.sin()), -1)
    for minimum in surface.minima:
        at = point(*minimum)
        assert float(surface.gradient(at).norm()) < 1e-4
        assert (surface.function(at + 1e-2 * around) > surface.function(at)).all()


@EVERY_SURFACE
def test_the_lowest_loss_is_0(surface):
    losses = [float(surface.function(point(*minimum))) for minimum in surface.minima]
    assert min(losses) == pytest.approx(0, abs=1e-9)
    assert sum(loss > 1e-6 for loss in losses) == FLAT.get(surface.key, 0)
    assert float(surface.grid(161, 121).min()) > -1e-9


@EVERY_SURFACE
def test_the_gradient_is_that_of_finite_differences(surface):
    w = point(*surface.start) + 0.1
    h = 1e-6 * torch.eye(2, dtype=torch.float64)
    slopes = (surface.function(w + h) - surface.function(w - h)) / 2e-6
    torch.testing.assert_close(surface.gradient(w)[0], slopes, rtol=1e-5, atol=1e-7)


@EVERY_SURFACE
def test_start_and_minima_are_in_a_picture_of_4_to_3(surface):
    x0, x1, y0, y1 = surface.window
    assert (x1 - x0) / (y1 - y0) == pytest.approx(4 / 3)
    for x, y in (surface.start, *surface.minima):
        assert x0 < x < x1
        assert y0 < y < y1


@EVERY_SURFACE
def test_the_story_has_two_sentences(surface):
    assert surface.title
    assert surface.trap
    assert surface.sentences.count(". ") == 1
    assert surface.sentences.endswith(".")


def test_keys_differ():
    assert len({surface.key for surface in SURFACES}) == len(SURFACES)


def test_the_grid_lies_as_the_window_does():
    surface = SURFACES[0]
    x0, x1, y0, y1 = surface.window
    grid = surface.grid(5, 4)
    assert grid.shape == (4, 5)
    for row, column, x, y in ((0, 0, x0, y0), (0, 4, x1, y0), (3, 0, x0, y1)):
        assert float(grid[row, column]) == pytest.approx(float(surface.function(point(x, y))))


def test_noise_is_a_function_of_seed_and_step():
    noisy = next(surface for surface in SURFACES if surface.sigma)
    assert torch.equal(noisy.noise(0, 7), noisy.noise(0, 7))
    assert not torch.equal(noisy.noise(0, 7), noisy.noise(1, 7))
    drawn = torch.stack([noisy.noise(0, step) for step in range(2000)])
    assert float(drawn.std()) == pytest.approx(noisy.sigma, rel=0.05)
    assert float(drawn.mean().abs()) < 0.3
