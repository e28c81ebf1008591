import pytest
import torch

from ravine.augmentation import Flip, Mixup, Pipeline, Rotate, Translate, views
from ravine.errors import UsageError

X = torch.randint(0, 256, (3, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def never():
    raise AssertionError("the training pipeline is needed for N only")


def test_none_is_the_image_and_flip_also_its_mirror_image():
    (plain,) = views("none", never)
    assert plain(X) is X
    first, second = views("flip", never)
    assert torch.equal(first(X), X)
    assert torch.equal(second(X), X.flip(3))


@pytest.mark.parametrize("side", [2, 5, 16])
def test_shift_moves_by_a_pixel_both_ways_and_reflects_at_the_edges(side):
    x = X[..., :side, :side]
    still, down, up, *mirrored = (view(x) for view in views("shift", never))
    assert torch.equal(still, x)
    assert torch.equal(down.float(), torch.nn.functional.pad(x.float(), (1, 0, 1, 0), "reflect")[..., :side, :side])
    assert torch.equal(up.float(), torch.nn.functional.pad(x.float(), (0, 1, 0, 1), "reflect")[..., 1:, 1:])
    for plain, mirror in zip((still, down, up), mirrored, strict=True):
        assert torch.equal(mirror, plain.flip(3))


def test_shift_leaves_a_single_pixel():
    assert all(torch.equal(view(X[..., :1, :1]), X[..., :1, :1]) for view in views("shift", never))


def test_ten_crops_are_five_pieces_and_their_mirror_images():
    seen = [view(X.float()) for view in views("10crop", never)]
    assert len(seen) == 10
    assert all(view.shape == X.shape for view in seen)
    for plain, mirrored in zip(seen[:5], seen[5:], strict=True):
        torch.testing.assert_close(plain, mirrored.flip(3), atol=1e-3, rtol=1e-4)
    # a picture that rises evenly shows where a piece lies: 14 of 16 pixels, at either end
    ramp = torch.arange(16.0).expand(1, 1, 16, 16)
    middle, top_left, top_right, *_ = (view(ramp)[0, 0, 8] for view in views("10crop", never))
    interior = slice(2, 14)
    w = torch.arange(16.0)
    torch.testing.assert_close(middle[interior], (w - 7.5)[interior] * 7 / 8 + 7.5)
    torch.testing.assert_close(top_left[interior], (w - 7.5)[interior] * 7 / 8 + 6.5)
    torch.testing.assert_close(top_right[interior], (w - 7.5)[interior] * 7 / 8 + 8.5)


def test_n_draws_are_the_trainings_own_and_the_same_for_every_image():
    pipeline = Pipeline([Flip(), Translate(3), Rotate(20), Mixup()], classes=3)
    drawn = views("6", lambda: (pipeline, 5))
    assert len(drawn) == 6
    together = [view(X) for view in drawn]
    assert len(torch.stack(together).flatten(1).unique(dim=0)) == 6
    for view, images in zip(drawn, together, strict=True):
        assert torch.equal(view(X[1:2]), images[1:2])
    again = views(6, lambda: (pipeline, 5))
    assert torch.equal(again[3](X), together[3])
    assert not torch.equal(views(6, lambda: (pipeline, 6))[3](X), together[3])


@pytest.mark.parametrize("tta", ["flop", "0", -1, 2.5, True, "1001"])
def test_anything_else_is_refused(tta):
    with pytest.raises(UsageError, match="--tta.*none, flip, shift, 10crop"):
        views(tta, never)


def test_n_needs_an_augmentation_of_single_images():
    with pytest.raises(UsageError, match="trained without augmentation"):
        views(3, lambda: (Pipeline([Mixup()], classes=2), 0))
