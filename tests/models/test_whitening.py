"""Patches of the images it was fitted to come out uncorrelated and of variance 1."""

import torch

from ravine.models import Whitening


def images(n=200, side=12):
    generator = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.avg_pool2d(torch.randn(n, 3, side + 2, side + 2, generator=generator), 3, stride=1)
    return smooth + 0.1 * torch.randn(n, 3, side, side, generator=generator)


def answers(layer, x):
    """Of the filters, without their negatives, `[positions, filters]`."""
    half = layer.outputs // 2
    return layer(x)[:, :half].permute(0, 2, 3, 1).flatten(0, 2).double()


def test_patches_are_uncorrelated_and_of_variance_1():
    x = images()
    layer = Whitening(3, eps=0.0, bias=0.0)
    layer.fit(x)
    y = answers(layer, x)
    torch.testing.assert_close(y.mT @ y / len(y), torch.eye(12, dtype=torch.float64), atol=1e-4, rtol=0)


def test_each_filter_comes_with_its_negative_and_they_are_no_parameters():
    layer = Whitening(3, bias=0.5)
    layer.fit(images())
    y = layer(images(n=4))
    torch.testing.assert_close(y[:, :12] - 0.5, 0.5 - y[:, 12:])
    assert list(layer.parameters()) == []
    assert list(layer.state_dict()) == ["filters", "bias"]


def test_eps_bounds_what_is_made_of_a_direction_that_never_changes():
    x = images()
    x[:, 1] = x[:, 0]  # two equal channels: half of the directions of one have no variance
    layer = Whitening(3, eps=5e-4)
    layer.fit(x)
    assert layer.filters.flatten(1).norm(dim=1).max() <= 5e-4**-0.5 * 1.001
    assert layer.filters.isfinite().all()


def test_the_same_images_give_the_same_filters_whatever_sign_eigenvectors_have():
    first, second = Whitening(3), Whitening(3)
    x = images()
    first.fit(x)
    second.fit(x.flip(0))
    torch.testing.assert_close(first.filters, second.filters, atol=1e-4, rtol=1e-4)


def test_before_it_is_fitted_it_shows_pixels():
    x = images(n=2)
    assert torch.equal(Whitening(3, bias=0.0)(x)[:, 0], x[:, 0, :-1, :-1])


def test_the_directions_of_most_variance_are_kept():
    x = images()
    whole, part = Whitening(3), Whitening(3, keep=5)
    whole.fit(x)
    part.fit(x)
    assert part(x).shape == (200, 10, 11, 11)
    assert torch.equal(part.filters[:5], whole.filters[:5])
    norms = whole.filters[:12].flatten(1).norm(dim=1)
    assert torch.equal(norms, norms.sort().values), "the smaller the variance, the larger the filter"
