import math

import numpy as np
import pytest
import torch
from slow_reference import warped
from torch.nn import functional as F

from ravine.augmentation import (
    Crop,
    Edge,
    Flip,
    FlipAlternating,
    FlipVertical,
    Perspective,
    Pipeline,
    ResizedCrop,
    Rotate,
    Scale,
    Shear,
    Translate,
)
from ravine.augmentation.resample import is_exact
from ravine.errors import UsageError

X = torch.randint(0, 256, (64, 3, 9, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
SQUARE = torch.randint(0, 256, (8, 3, 7, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def numbers(n, draws, seed=0):
    return torch.rand(n, draws, generator=torch.Generator().manual_seed(seed))


def test_flip_mirrors_exactly_those_that_are_drawn():
    u = numbers(64, 1)
    out = Pipeline([Flip(0.3)])(X, u=u)
    for image, mirrored, number in zip(X, out, u[:, 0], strict=True):
        assert torch.equal(mirrored, image.flip(2) if number < 0.3 else image)
    assert torch.equal(Pipeline([Flip(0)])(X, u=u), X)
    assert torch.equal(Pipeline([Flip(1)])(X, u=u), X.flip(3))
    assert torch.equal(Pipeline([FlipVertical(1)])(X, u=u), X.flip(2))


@pytest.mark.parametrize(("edge", "mode"), [("reflect", "reflect"), ("repeat", "replicate"), ("black", "constant")])
@pytest.mark.parametrize("part", [Translate(3), Crop(3)])
def test_translation_is_a_crop_of_the_padded_image(part, edge, mode):
    u = numbers(64, 2)
    out = Pipeline([part, Edge(edge)])(X, u=u)
    padded = F.pad(X.float(), (3, 3, 3, 3), mode=mode).byte()
    shifts = set()
    for i in range(64):
        dy, dx = (int(number * 7) for number in u[i])
        shifts.add((dy, dx))
        assert torch.equal(out[i], padded[i, :, dy : dy + 9, dx : dx + 12])
    assert len(shifts) > 30
    assert torch.equal(Pipeline([Translate(0)])(X, u=u), X)


def test_a_share_of_the_side_is_as_many_pixels():
    u = numbers(64, 2)
    square = X[:, :, :, :9]
    assert torch.equal(Pipeline([Translate(0.34)])(square, u=u), Pipeline([Translate(3)])(square, u=u))


def test_every_shift_is_equally_likely_and_none_is_larger():
    matrix = Translate(2).matrix(numbers(20_000, 2), 9, 12)
    for axis in (0, 1):
        counts = torch.bincount(matrix[:, axis, 2].long() + 2, minlength=5)
        assert len(counts) == 5
        assert (counts.float() / 4000 - 1).abs().max() < 0.06  # 4 standard deviations


@pytest.mark.parametrize(("number", "turns"), [(0.75, 1), (0.25, -1), (0.999999, 2)])
def test_quarter_turns_are_those_of_rot90(number, turns):
    out = Pipeline([Rotate(180)])(SQUARE, u=torch.full((8, 1), number))
    assert (out.int() - torch.rot90(SQUARE, turns, (2, 3)).int()).abs().max() <= (0 if abs(turns) == 1 else 1)


PARTS = [Rotate(40), Scale(0.5, 2), Shear(20), Perspective(0.6, p=0.7), ResizedCrop((0.2, 1)), Translate(4), Flip()]


@pytest.mark.parametrize("edge", ["reflect", "repeat", "black"])
@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_equals_interpolation_one_pixel_at_a_time(part, edge):
    u = numbers(4, part.draws, seed=3)
    x = X[:4].float()
    out = Pipeline([part, Edge(edge)])(x, u=u)
    for i, matrix in enumerate(part.matrix(u, 9, 12).double().numpy()):
        np.testing.assert_allclose(out[i], warped(X[i].numpy(), matrix, edge), atol=2e-3)


def formula(part, u, height, width):
    """The matrices of the docstrings once more, one draw at a time in plain Python."""
    s = [2 * number - 1 for number in u]
    if isinstance(part, Rotate):
        a = math.radians(40) * s[0]
        return [[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]]
    if isinstance(part, Scale):
        z = 0.5 ** (1 - u[0]) * 2 ** u[0]
        return [[1 / z, 0, 0], [0, 1 / z, 0], [0, 0, 1]]
    if isinstance(part, Shear):
        a, b = (math.tan(math.radians(20) * value) for value in s)
        return [[1, a, 0], [b, 1, 0], [0, 0, 1]]
    if isinstance(part, Perspective):
        tilt = 0.6 if u[0] < 0.7 else 0
        return [[1, 0, 0], [0, 1, 0], [tilt * s[1] / width, tilt * s[2] / height, 1]]
    area, ratio = 0.2 + 0.8 * u[0], math.exp(math.log(0.75) * (1 - u[1]) + math.log(4 / 3) * u[1])
    w, h = min(1, math.sqrt(area * ratio)), min(1, math.sqrt(area / ratio))
    return [[w, 0, s[2] * (width - w * width) / 2], [0, h, s[3] * (height - h * height) / 2], [0, 0, 1]]


@pytest.mark.parametrize("part", PARTS[:5], ids=lambda part: type(part).__name__)
def test_matrices_are_those_of_the_formulas(part):
    u = numbers(50, part.draws, seed=4)
    expected = [formula(part, row.tolist(), 9, 12) for row in u]
    torch.testing.assert_close(part.matrix(u, 9, 12), torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_ranges_are_kept_over_10_000_draws():
    u = numbers(10_000, 4)
    turns = Rotate(15).matrix(u[:, :1], 9, 12)
    angle = torch.rad2deg(torch.atan2(turns[:, 1, 0], turns[:, 0, 0]))
    assert 14.9 < angle.abs().max() <= 15.001
    zoom = 1 / Scale(0.8, 1.25).matrix(u[:, :1], 9, 12)[:, 0, 0]
    assert 0.8 <= zoom.min() + 1e-6 < 0.801 < 1.249 < zoom.max() <= 1.25 + 1e-6
    assert abs((zoom > 1).float().mean() - 0.5) < 0.02  # as often in as out
    crops = ResizedCrop((0.3, 1), (0.5, 2)).matrix(u, 9, 12)
    assert crops[:, (0, 1), (0, 1)].max() <= 1
    for axis, side in ((0, 12), (1, 9)):  # no corner of the piece lies outside of the image
        reach = crops[:, axis, axis] * side / 2 + crops[:, axis, 2].abs()
        assert reach.max() <= side / 2 + 1e-4
    area = crops[:, 0, 0] * crops[:, 1, 1]
    assert area.max() <= 1
    assert area.min() > 0.2  # 0.3, but for pieces cut to the image
    tilt = Perspective(0.5, p=0.3).matrix(u[:, :3], 9, 12)[:, 2, :2]
    assert abs((tilt[:, 0] != 0).float().mean() - 0.3) < 0.02
    assert (tilt.abs() * torch.tensor([12, 9])).max() <= 0.5


@pytest.mark.parametrize(
    "part",
    [Rotate(0), Scale(1, 1), Shear(0), Perspective(0), Perspective(0.5, p=0), ResizedCrop((1, 1), (1, 1))],
    ids=lambda part: type(part).__name__,
)
def test_a_draw_of_nothing_returns_every_bit(part):
    u = numbers(64, part.draws)
    assert torch.equal(Pipeline([part])(X, u=u), X)
    floats = torch.randn(64, 3, 9, 12, generator=torch.Generator().manual_seed(2))
    assert torch.equal(Pipeline([part])(floats, u=u), floats)


def test_what_is_only_flipped_is_copied_also_beside_what_is_interpolated():
    floats = torch.randn(64, 3, 9, 13, generator=torch.Generator().manual_seed(2))
    u = numbers(64, 4)
    out = Pipeline([Flip(0.5), Perspective(0.5, p=0.5)])(floats, u=u)
    flipped, still = Pipeline([Flip(0.5)])(floats, u=u[:, :1]), u[:, 1] >= 0.5
    assert 10 < still.sum() < 54
    assert torch.equal(out[still], flipped[still])
    assert not torch.equal(out[~still], flipped[~still])


def test_only_flips_and_whole_shifts_are_copied():
    exact = torch.eye(3).repeat(6, 1, 1)
    exact[1, 0, 0], exact[2, 0, 2], exact[3, 1, 2], exact[4, 0, 1], exact[5, 2, 0] = -1, 3, 0.5, 1e-3, 1e-4
    assert is_exact(exact).tolist() == [True, True, True, False, False, False]


def test_alternating_flips_show_each_image_both_ways_in_turn():
    augment = Pipeline([FlipAlternating()])
    first, second, third = (augment(X, u=augment.numbers(64, seed=0, epoch=e)) for e in range(3))
    assert torch.equal(first, third)
    assert torch.equal(first, second.flip(3))
    mirrored = [torch.equal(a, b) for a, b in zip(first, X.flip(3), strict=True)]
    assert 16 < sum(mirrored) < 48
    with pytest.raises(UsageError, match="flip_alternating needs to know the epoch"):
        augment(X)


def test_alternating_flips_alternate_by_how_often_an_image_was_shown():
    augment = Pipeline([FlipAlternating()])
    rows = torch.tensor([5, 5, 9, *range(3, 64)])
    shown = torch.tensor([0, 1, 2, *[0] * 61])
    out = augment(X[rows], u=augment.numbers(64, seed=0, epoch=7, places=(rows, shown)))
    first = augment(X, u=augment.numbers(64, seed=0, epoch=0))
    assert torch.equal(out[0], first[5])
    assert torch.equal(out[1], first[5].flip(2))
    assert torch.equal(out[2], first[9])
    assert torch.equal(out[3:], first[3:])


def test_too_far_is_refused():
    with pytest.raises(UsageError, match="translate.*below 9"):
        Pipeline([Translate(9)])(X)


def test_images_of_one_row_or_column():
    for shape in ((4, 1, 1, 5), (4, 1, 5, 1), (4, 1, 1, 1)):
        x = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        out = Pipeline([Rotate(15), Flip(), Scale()])(x, u=numbers(4, 3))
        assert out.shape == shape
        assert out.max() <= x.max()
