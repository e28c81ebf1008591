import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from ravine.augmentation import Blur, Cutout, Erase, Noise, Pipeline
from ravine.augmentation.blur import gaussian_blur
from ravine.augmentation.noise import normal
from ravine.errors import UsageError

X = torch.randint(0, 256, (48, 3, 12, 15), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def numbers(n, draws, seed=0):
    return torch.rand(n, draws, generator=torch.Generator().manual_seed(seed))


def test_blur_is_scipys():
    sigma = torch.tensor([0.4, 1.1, 0.9])
    out = gaussian_blur(X[:3].double(), sigma, radius=4)
    for image, blurred, s in zip(X[:3].double().numpy(), out.numpy(), sigma.tolist(), strict=True):
        expected = ndimage.gaussian_filter(image, (0, s, s), mode="mirror", radius=(0, 4, 4))
        np.testing.assert_allclose(blurred, expected, atol=1e-4)


def test_only_those_drawn_are_changed():
    for part in (Blur(1.0, p=0.4), Noise(0.1, p=0.4), Erase(p=0.4), Cutout(6, p=0.4)):
        u = numbers(48, part.draws)
        out = Pipeline([part])(X, u=u)
        changed, drawn = (out != X).flatten(1).any(1), u[:, 0] < 0.4
        assert not changed[~drawn].any(), type(part).__name__
        assert changed.sum() >= drawn.sum() - 5  # a blur may be too slight to show
        floats = X.float() / 255
        before = floats.clone()
        Pipeline([part])(floats, u=u)
        assert torch.equal(floats, before), "the caller's images are never written to"


def test_noise_is_normal_and_independent():
    grain = normal(numbers(20, 2), 4000)
    for row in grain[:5]:
        assert stats.kstest(row.numpy(), "norm").pvalue > 1e-3
    assert abs(grain.std() - 1) < 0.01
    correlation = np.corrcoef(grain.numpy())
    assert np.abs(correlation - np.eye(20)).max() < 0.08  # 5 standard deviations
    neighbours = np.corrcoef(grain[:, 1:].flatten(), grain[:, :-1].flatten())[0, 1]
    assert abs(neighbours) < 0.02
    assert torch.equal(grain, normal(numbers(20, 2), 4000))


def test_noise_has_the_strength_asked_for():
    gray = torch.full((50, 1, 20, 20), 128, dtype=torch.uint8)
    out = Pipeline([Noise(0.1, p=1)])(gray, u=numbers(50, 3)).float() - 128
    assert abs(out.std() - 25.5) < 0.3
    assert torch.equal(Pipeline([Noise(0, p=1)])(X, u=numbers(48, 3)), X)


def rectangle(changed):
    """(height, width) of the changed pixels `[H, W]`, which must fill a rectangle."""
    rows, columns = changed.any(1).nonzero()[:, 0], changed.any(0).nonzero()[:, 0]
    if not len(rows):
        return 0, 0
    height, width = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
    assert int(changed.sum()) == height * width
    return height, width


def test_erased_is_one_rectangle_of_the_mean_colour_within_its_ranges():
    floats = torch.rand(2000, 2, 20, 30, generator=torch.Generator().manual_seed(1))
    u = numbers(2000, 5)
    out = Pipeline([Erase((0.1, 0.3), (0.5, 2), p=1)])(floats, u=u)
    for i in range(2000):
        changed = (out[i] != floats[i]).any(0)
        height, width = rectangle(changed)
        assert 0.1 - 0.05 <= height * width / 600 <= 0.3 + 0.05  # sides are rounded
        expected = floats[i].mean((1, 2))[:, None].expand(2, int(changed.sum()))
        torch.testing.assert_close(out[i][:, changed], expected)
    covered = (out != floats).any(1).float().mean(0)
    assert covered.min() > 0  # corners are erased as well


def test_cutout_is_a_square_that_may_stick_out():
    floats = torch.rand(500, 1, 20, 20, generator=torch.Generator().manual_seed(1))
    out = Pipeline([Cutout(8)])(floats, u=numbers(500, 3))
    sizes = [rectangle(changed) for changed in (out != floats)[:, 0]]
    assert max(sizes) == (8, 8)
    assert min(min(size) for size in sizes) == 4
    half = Pipeline([Cutout(0.4)])(floats, u=numbers(500, 3))
    assert torch.equal(half, out)


def test_blur_too_wide_for_the_image_is_refused():
    with pytest.raises(UsageError, match="blur.*at most"):
        Pipeline([Blur(5)])(X)


def test_whiter_than_white_stays_white():
    for level in (0, 255):
        flat = torch.full((8, 1, 20, 20), level, dtype=torch.uint8)
        out = Pipeline([Noise(0.1, p=1)])(flat, u=numbers(8, 3)).int()
        assert (out - level).abs().max() < 140  # cut, and not begun anew at the other end
        assert 0.4 < (out == level).float().mean() < 0.6
