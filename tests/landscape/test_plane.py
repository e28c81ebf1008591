"""The plane through trained weights: principal directions, filter lengths, losses where they belong."""

import pytest
import torch

from ravine.errors import DataError
from ravine.landscape.plane import Plane, along_path, around, at_random, losses, wider


def test_the_directions_are_the_principal_components_of_the_path():
    torch.manual_seed(0)
    center = torch.randn(40)
    path = center + torch.randn(6, 40) * torch.linspace(3, 0.1, 40)
    plane = along_path(path, center)
    _, S, Vh = torch.linalg.svd((path - center).double(), full_matrices=False)
    torch.testing.assert_close(plane.directions.double().abs(), Vh[:2].abs(), rtol=1e-4, atol=1e-5)
    assert plane.share == pytest.approx((S[:2] ** 2 / (S**2).sum()).tolist(), rel=1e-4)
    assert (plane.coordinates(path)[0] < 0).all(), "from the left and from below"


def test_a_path_in_a_plane_lies_on_it_exactly():
    torch.manual_seed(0)
    center, u, v = torch.randn(3, 30, dtype=torch.float64)
    weights = center + torch.tensor(
        [[3.0, 1.0], [2.0, -1.0], [0.5, 0.2], [0.0, 0.0]], dtype=torch.float64
    ) @ torch.stack([u, v])
    plane = along_path(weights, center)
    on_plane = plane.center + plane.coordinates(weights) @ plane.directions
    torch.testing.assert_close(on_plane, weights)
    assert sum(plane.share) == pytest.approx(1)


def test_a_path_without_two_directions_is_refused():
    center = torch.zeros(5)
    for path in (torch.zeros(3, 5), torch.arange(3.0)[:, None] * torch.ones(5)):
        with pytest.raises(DataError, match="two directions"):
            along_path(path, center)


def test_random_directions_are_as_long_as_each_filter():
    weights = torch.arange(1.0, 15.0)
    plane = at_random(weights, [(0, 12, (2, 3, 2)), (12, 14, (2,))], seed=3)
    for d in plane.directions:
        torch.testing.assert_close(d[:12].view(2, 6).norm(dim=1), weights[:12].view(2, 6).norm(dim=1))
        assert (d[12:] == 0).all(), "biases and norms stay"
    assert torch.equal(plane.directions, at_random(weights, [(0, 12, (2, 3, 2)), (12, 14, (2,))], seed=3).directions)


def test_losses_lie_where_the_window_says():
    """loss = sum of the weights, on directions of unit vectors: x + y."""
    plane = Plane(torch.zeros(3), torch.eye(3)[:2], (1.0, 0.0))
    ticks = []
    grid = losses(plane, (-1.0, 1.0, 0.0, 4.0), 3, lambda w: float(w.sum()), ticks.append)
    torch.testing.assert_close(grid, torch.tensor([[-1.0, 0, 1], [1, 2, 3], [3, 4, 5]], dtype=torch.float64))
    assert ticks == list(range(1, 10))


def test_the_window_has_three_tenths_of_room_on_every_side():
    window = around(torch.tensor([[-10.0, -4.0], [-2.0, 6.0]]))
    assert window == pytest.approx((-13, 3, -7, 9))


def test_the_window_grows_only_towards_a_lowest_loss_on_its_frame():
    window, grid = (-2.0, 2.0, 0.0, 8.0), torch.full((5, 4), 3.0)
    for row, column, expected in (
        (2, 2, window),
        (0, 1, (-2, 2, -4, 8)),
        (4, 1, (-2, 2, 0, 12)),
        (3, 0, (-4, 2, 0, 8)),
        (3, 3, (-2, 4, 0, 8)),
        (4, 3, (-2, 4, 0, 12)),
    ):
        here = grid.clone()
        here[row, column] = 1.0
        here[2, 1] = torch.nan
        assert wider(window, here) == expected


def test_the_window_holds_the_path_and_the_end():
    x0, x1, y0, y1 = around(torch.tensor([[-10.0, -1.0], [-4.0, 0.5]]), margin=0.25)
    assert (x0, x1) == pytest.approx((-12.5, 2.5))
    assert y1 - y0 == pytest.approx(3.0), "not thinner than a fifth"
    assert (y0 + y1) / 2 == pytest.approx(-0.25)
