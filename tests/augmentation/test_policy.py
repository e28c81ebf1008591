import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from ravine.augmentation import Pipeline, RandAugment, TrivialAugment
from ravine.augmentation.policy import OPERATIONS
from ravine.augmentation.tones import autocontrast, equalize, posterize, sharpen, solarize
from ravine.errors import UsageError

X = torch.randint(20, 200, (6, 3, 11, 13), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
STRONG = {"randaugment": RandAugment(2, 15), "trivialaugment": TrivialAugment()}


def pillow(function, image):
    return torch.from_numpy(np.asarray(function(Image.fromarray(image.permute(1, 2, 0).numpy()))).copy()).permute(
        2, 0, 1
    )


CASES = {
    "posterize": (lambda x: posterize(x, torch.full((6,), 3.0), 255), lambda i: ImageOps.posterize(i, 3)),
    "solarize": (lambda x: solarize(x, torch.full((6,), 99.5 / 255), 255), lambda i: ImageOps.solarize(i, 100)),
    "autocontrast": (lambda x: autocontrast(x, 255), ImageOps.autocontrast),
    "equalize": (lambda x: equalize(x, 255), ImageOps.equalize),
    "sharpness": (lambda x: sharpen(x, torch.full((6,), 1.7)), lambda i: ImageEnhance.Sharpness(i).enhance(1.7)),
}


@pytest.mark.parametrize("name", CASES)
def test_tones_are_pillows(name):
    ours, theirs = CASES[name]
    x = X.repeat_interleave(8, 3).repeat_interleave(5, 2)  # equalize does nothing to few pixels
    out = ours(x.float()).clamp(0, 255)
    for image, expected in zip(out, x, strict=True):
        difference = (image - pillow(theirs, expected).float()).abs()
        assert difference.max() <= {"sharpness": 2, "autocontrast": 1}.get(name, 0)  # Pillow cuts where we round
    assert (out != x).float().mean() > 0.1


def numbers_for(policy, operation, rest=0.9):
    """Draws that choose one operation in the first slot and nothing in the others."""
    slots = []
    for slot in range(policy.n):
        index = OPERATIONS.index(operation if slot == 0 else "identity")
        slots += [(index + 0.5) / len(OPERATIONS), rest]
    return torch.tensor([slots]).expand(6, -1)


@pytest.mark.parametrize("policy", STRONG.values(), ids=STRONG)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_operation_does_something_of_its_own_kind(policy, operation):
    x = X.repeat_interleave(8, 3).repeat_interleave(5, 2)
    out = Pipeline([policy])(x, u=numbers_for(policy, operation))
    assert torch.equal(out, x) == (operation == "identity")
    moved = policy.matrix(numbers_for(policy, operation), 11, 13) - torch.eye(3)
    geometric = operation in ("shear_x", "shear_y", "translate_x", "translate_y", "rotate")
    assert bool(moved.abs().max() > 0) == geometric
    coloured = policy.colours(numbers_for(policy, operation), torch.full((6, 3), 99.0)) - torch.eye(3, 4)
    assert bool(coloured.abs().max() > 0) == (operation in ("brightness", "saturation", "contrast"))


def test_operations_and_signs_are_drawn_equally_often():
    policy = RandAugment(2, 9)
    u = torch.rand(10_000, policy.draws, generator=torch.Generator().manual_seed(0))
    for operation, strength in policy.drawn(u):
        counts = torch.bincount(operation, minlength=len(OPERATIONS))
        assert len(counts) == len(OPERATIONS)
        assert (counts / (10_000 / len(OPERATIONS)) - 1).abs().max() < 0.16  # 4 standard deviations
        torch.testing.assert_close(strength.abs(), torch.full((10_000,), 0.3))
        assert abs((strength > 0).float().mean() - 0.5) < 0.02
    ((_, strength),) = TrivialAugment().drawn(u[:, :2])
    assert -1 <= strength.min() < -0.99 < 0.99 < strength.max() < 1


def test_a_slot_after_the_other():
    """Two geometric slots are one resample of both matrices; two colours are one matrix of both."""
    policy = RandAugment(2, 30)
    at = {name: (OPERATIONS.index(name) + 0.5) / len(OPERATIONS) for name in OPERATIONS}
    u = torch.tensor([[at["translate_x"], 0.9, at["translate_y"], 0.9]])
    dx, dy = round(13 * 150 / 331), round(11 * 150 / 331)
    assert policy.matrix(u, 11, 13)[0, :2, 2].tolist() == [dx, dy]
    u = torch.tensor([[at["brightness"], 0.1, at["contrast"], 0.1]])
    mean = torch.tensor([[50.0, 50, 50]])
    matrix = policy.colours(u, mean)[0]
    pixel = torch.tensor([10.0, 20, 30, 1])
    dark = 0.1 * pixel[:3]
    torch.testing.assert_close(matrix @ pixel, 0.1 * dark + 0.9 * 5, atol=1e-4, rtol=0)


def test_gray_images_stay_gray_and_others_are_refused():
    for policy in STRONG.values():
        u = torch.rand(6, policy.draws, generator=torch.Generator().manual_seed(0))
        assert Pipeline([policy])(X[:, :1], u=u).shape == X[:, :1].shape
        with pytest.raises(UsageError, match="2 channels"):
            Pipeline([policy])(X[:, :2], u=u)
