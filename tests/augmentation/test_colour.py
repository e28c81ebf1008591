import colorsys
import math

import pytest
import torch

from ravine.augmentation import Grayscale, Jitter, Pipeline
from ravine.augmentation.jitter import hue_rotation
from ravine.errors import UsageError

X = torch.randint(0, 256, (32, 3, 5, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def numbers(n, draws, seed=0):
    return torch.rand(n, draws, generator=torch.Generator().manual_seed(seed))


def luma(pixel):
    return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]


def slow_jitter(image, k_brightness, k_contrast, k_saturation, angle):
    """One pixel after the other, one change after the other, in Python floats."""
    pixels = [[k_brightness * v for v in image[:, h, w].tolist()] for h in range(5) for w in range(6)]
    mean = sum(luma(p) for p in pixels) / len(pixels)
    pixels = [[k_contrast * v + (1 - k_contrast) * mean for v in p] for p in pixels]
    pixels = [[k_saturation * v + (1 - k_saturation) * luma(p) for v in p] for p in pixels]
    axis, cos, sin = 1 / math.sqrt(3), math.cos(angle), math.sin(angle)
    turned = []
    for r, g, b in pixels:  # v cos + (n x v) sin + n (n.v) (1 - cos)
        along = (r + g + b) / 3 * (1 - cos)
        cross = (axis * (b - g), axis * (r - b), axis * (g - r))
        turned.append([v * cos + c * sin + along for v, c in zip((r, g, b), cross, strict=True)])
    return torch.tensor(turned).clamp(0, 255).view(5, 6, 3).permute(2, 0, 1)


def test_jitter_equals_the_four_changes_pixel_by_pixel():
    u = numbers(32, 4)
    out = Pipeline([Jitter(brightness=0.4, contrast=0.5, saturation=0.6, hue=0.2)])(X, u=u)
    for image, jittered, row in zip(X, out, u.tolist(), strict=True):
        s = [2 * number - 1 for number in row]
        expected = slow_jitter(image, 1 + 0.4 * s[0], 1 + 0.5 * s[1], 1 + 0.6 * s[2], 2 * math.pi * 0.2 * s[3])
        assert (jittered.float() - expected.round()).abs().max() <= 1
        assert (jittered.float() != expected.round()).float().mean() < 0.02  # halves that rounding decides


def test_known_colours():
    third = hue_rotation(torch.tensor([2 * math.pi / 3]))[0]
    red, green, gray = torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0]), torch.tensor([0.4, 0.4, 0.4])
    torch.testing.assert_close(third @ red, green, atol=1e-6, rtol=0)
    torch.testing.assert_close(third @ gray, gray)
    torch.testing.assert_close((third @ torch.tensor([0.2, 0.5, 0.9])).sum(), torch.tensor(1.6))
    # a small turn moves the hue of HSV by as much
    r, g, b = (hue_rotation(torch.tensor([2 * math.pi * 0.02]))[0] @ torch.tensor([0.6, 0.4, 0.4])).tolist()
    assert abs(colorsys.rgb_to_hsv(r, g, b)[0] - 0.02) < 0.004
    no_colour = Pipeline([Jitter(0, saturation=1, hue=0)])(X.float(), u=torch.zeros(32, 4))  # saturation factor 0
    weights = torch.tensor([0.299, 0.587, 0.114])
    torch.testing.assert_close(no_colour, torch.einsum("bchw,c->bhw", X.float(), weights)[:, None].expand(X.shape))


def test_ranges_are_kept_over_10_000_draws():
    mean = torch.full((10_000, 3), 100.0)
    matrix = Jitter(brightness=0.3, contrast=0, saturation=0, hue=0).colours(numbers(10_000, 4), mean)
    factor = matrix[:, 0, 0]
    assert 0.7 <= factor.min() + 1e-6 < 0.701 < 1.299 < factor.max() <= 1.3 + 1e-6
    assert (matrix[:, :, 3] == 0).all()
    strength = Jitter(0.2)
    assert (strength.brightness, strength.contrast, strength.saturation, strength.hue) == (0.2, 0.2, 0.2, 0.02)


def test_no_change_returns_every_bit():
    for part in (Jitter(0), Grayscale(0)):
        assert torch.equal(Pipeline([part])(X, u=numbers(32, part.draws)), X)
        floats = X.float() / 7
        assert torch.equal(Pipeline([part])(floats, u=numbers(32, part.draws)), floats)


def test_grayscale_makes_channels_equal_for_those_drawn():
    u = numbers(32, 1)
    out = Pipeline([Grayscale(0.4)])(X, u=u)
    drawn = u[:, 0] < 0.4
    assert torch.equal(out[~drawn], X[~drawn])
    assert (out[drawn] == out[drawn][:, :1]).all()


def test_gray_images_have_no_saturation_and_no_hue():
    gray = X[:, :1]
    for part in (Jitter(0, saturation=0.9, hue=0.5), Grayscale(1)):
        assert torch.equal(Pipeline([part])(gray, u=numbers(32, part.draws)), gray)
    u = numbers(32, 4)
    three = Pipeline([Jitter(0.5, hue=0, saturation=0)])(gray.expand(-1, 3, -1, -1), u=u)
    one = Pipeline([Jitter(0.5)])(gray, u=u)
    assert (three[:, :1].int() - one.int()).abs().max() <= 1


def test_floats_are_not_cut():
    bright = Pipeline([Jitter(brightness=1, contrast=0, saturation=0, hue=0)])
    floats = X.float() / 255
    torch.testing.assert_close(bright(floats, u=torch.full((32, 4), 0.999)), floats * (1 + 2 * 0.999 - 1))


def test_other_channels_than_colours_are_refused():
    with pytest.raises(UsageError, match=r"jitter.*2 channels"):
        Pipeline([Jitter(0.2)])(X[:, :2])
    assert Pipeline([Jitter(0.2, saturation=0, hue=0)])(X[:, :2]).shape == X[:, :2].shape
