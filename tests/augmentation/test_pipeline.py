import pytest
import torch
from torch.nn import functional as F

from ravine.augmentation import AUGMENTATIONS, Flip, Pipeline, Translate
from ravine.errors import UsageError

X = torch.randint(0, 256, (64, 3, 9, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def numbers(n, draws, seed=0):
    return torch.rand(n, draws, generator=torch.Generator().manual_seed(seed))


def test_flip_mirrors_exactly_those_that_are_drawn():
    u = numbers(64, 1)
    out = Pipeline([Flip(0.3)])(X, u)
    for image, mirrored, number in zip(X, out, u[:, 0], strict=True):
        assert torch.equal(mirrored, image.flip(2) if number < 0.3 else image)
    assert torch.equal(Pipeline([Flip(0)])(X, u), X)
    assert torch.equal(Pipeline([Flip(1)])(X, u), X.flip(3))


def test_translation_is_a_crop_of_the_reflected_image():
    u = numbers(64, 2)
    out = Pipeline([Translate(3)])(X, u)
    padded = F.pad(X.float(), (3, 3, 3, 3), mode="reflect").byte()
    shifts = set()
    for i in range(64):
        dy, dx = (int(number * 7) for number in u[i])
        shifts.add((dy, dx))
        assert torch.equal(out[i], padded[i, :, dy : dy + 9, dx : dx + 12])
    assert len(shifts) > 30
    assert torch.equal(Pipeline([Translate(0)])(X, u), X)


def test_every_shift_is_equally_likely_and_none_is_larger():
    rows, columns = Translate(2).maps(numbers(20_000, 2), 9, 12)
    for centre, index in ((4, rows), (6, columns)):
        counts = torch.bincount(index[:, centre] - centre + 2, minlength=5)
        assert len(counts) == 5
        assert (counts.float() / 4000 - 1).abs().max() < 0.06  # 4 standard deviations


def test_composed_equals_one_after_the_other():
    u = numbers(64, 5)
    together = Pipeline([Translate(4), Flip(), Translate(2)])(X, u)
    one = Pipeline([Translate(4)])(X, u[:, :2])
    two = Pipeline([Flip()])(one, u[:, 2:3])
    assert torch.equal(together, Pipeline([Translate(2)])(two, u[:, 3:]))


def test_type_and_values_are_kept_and_eval_is_identity():
    pipeline = Pipeline([Flip(), Translate(4)])
    assert pipeline(X).dtype == torch.uint8
    assert pipeline(X).shape == X.shape
    floats = X.double() / 7
    torch.testing.assert_close(pipeline(floats, numbers(64, 3)), pipeline(X, numbers(64, 3)).double() / 7)
    assert pipeline.eval()(X) is X


def test_a_draw_belongs_to_its_image_and_not_to_the_batch():
    pipeline, u = Pipeline([Flip(), Translate(4)]), numbers(64, 3)
    order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
    assert torch.equal(pipeline(X, u)[order], pipeline(X[order], u[order]))
    assert torch.equal(pipeline(X[:5], u[:5]), pipeline(X, u)[:5])


@pytest.mark.parametrize("make", [lambda: Flip(2), lambda: Flip(True), lambda: Translate(-1), lambda: Translate(1.5)])
def test_bad_settings_are_refused(make):
    with pytest.raises(UsageError):
        make()


def test_too_far_is_refused():
    with pytest.raises(UsageError, match="below 9"):
        Pipeline([Translate(9)])(X)


def test_all_parts_are_listed():
    assert set(AUGMENTATIONS.values()) == {Flip, Translate}
