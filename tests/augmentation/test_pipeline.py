import inspect

import pytest
import torch

from ravine import spec
from ravine.augmentation import (
    AUGMENTATIONS,
    PRESETS,
    Blur,
    Crop,
    Erase,
    Flip,
    Jitter,
    Noise,
    Pipeline,
    Rotate,
    Scale,
    Shear,
    Translate,
    expanded,
    parse,
)
from ravine.augmentation.part import Geometric
from ravine.errors import UsageError

X = torch.randint(0, 256, (64, 3, 9, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
# smooth images, so that sampling twice differs little from sampling once
WAVES = torch.stack(
    [
        127 + 100 * torch.sin(torch.arange(24) * 0.2 + i)[:, None] * torch.cos(torch.arange(24) * 0.15 * (c + 1))
        for i in range(8)
        for c in range(3)
    ]
).view(8, 3, 24, 24)
CHAPTER = [*AUGMENTATIONS]
# what each part refuses, by name
WRONG = {
    "flip": "p=2", "flip_vertical": "p=-1", "flip_alternating": "p=0.5", "translate": "pixels=-1",
    "crop": "pixels=1.5", "resized_crop": "scale=(0.9, 0.2)", "rotate": "degrees=181", "scale": "low=0",
    "shear": "degrees=60", "perspective": "distortion=1", "jitter": "hue=0.7", "grayscale": "p=true",
    "blur": "sigma=0", "noise": "std=2", "erase": "area=0.3", "cutout": "pixels='big'", "mixup": "alpha=0",
    "cutmix": "p='often'", "randaugment": "n=0", "trivialaugment": "n=1", "edge": "mode='mirror'",
}  # fmt: skip


def numbers(n, draws, seed=0):
    return torch.rand(n, draws, generator=torch.Generator().manual_seed(seed))


def done(augment, x, u):
    """Images alone, whether or not labels are mixed."""
    return augment(x, torch.zeros(x.shape[:-3], dtype=torch.int64), u=u)[0]


def test_whole_pixels_composed_equal_one_after_the_other_inside():
    u = numbers(64, 5)
    together = Pipeline([Translate(2), Flip(), Translate(2)])(X, u=u)
    one = Pipeline([Translate(2)])(X, u=u[:, :2])
    two = Pipeline([Flip()])(one, u=u[:, 2:3])
    three = Pipeline([Translate(2)])(two, u=u[:, 3:])
    assert torch.equal(together[..., 2:-2, 2:-2], three[..., 2:-2, 2:-2])


def test_composed_equals_one_by_one_up_to_interpolation():
    parts = [Rotate(10), Flip(), Scale(0.9, 1.1), Shear(5), Translate(2)]
    u = numbers(8, 7)
    once, by_hand = Pipeline(parts)(WAVES, u=u), WAVES
    for part, own in zip(parts, u.split([part.draws for part in parts], 1), strict=True):
        by_hand = Pipeline([part])(by_hand, u=own)
    difference = (once - by_hand)[..., 6:-6, 6:-6].abs()
    assert difference.max() < 6  # of 200; each of the five samplings in turn smooths a little
    assert (once - WAVES)[..., 6:-6, 6:-6].abs().max() > 100


def test_colours_and_geometry_do_not_mind_each_other():
    u = numbers(8, 9)
    parts = [Jitter(0.2, contrast=0), Rotate(20), Jitter(0.3, contrast=0)]  # contrast is about a mean that moves along
    together = Pipeline(parts)(WAVES, u=u)
    assert len(Pipeline(parts).stages) == 1
    coloured = Pipeline([parts[0], parts[2]])(WAVES, u=torch.cat([u[:, :4], u[:, 5:]], 1))
    torch.testing.assert_close(together, Pipeline([Rotate(20)])(coloured, u=u[:, 4:5]), atol=2e-3, rtol=1e-5)


def test_pixelwise_parts_keep_their_place():
    augment = Pipeline([Flip(1), Erase(p=1), Rotate(20), Jitter(0.2), Noise(p=1), Blur(p=1)])
    assert [(len(s.geometric), len(s.colour), len(s.pixelwise)) for s in augment.stages] == [(1, 0, 1), (1, 1, 2)]
    u = numbers(64, augment.draws)
    x = X.float() / 255
    by_hand = x
    for part, own in zip(augment.parts, u.split([part.draws for part in augment.parts], 1), strict=True):
        by_hand = Pipeline([part])(by_hand, u=own)
    torch.testing.assert_close(augment(x, u=u), by_hand, atol=1e-5, rtol=1e-5)


def test_normalisation_is_the_last_step_of_the_same_pass():
    mean, std = (120.0, 110.0, 100.0), (60.0, 50.0, 70.0)
    shape = (1, 3, 1, 1)
    for parts in ([], [Flip()], [Rotate(15)], [Flip(), Jitter(0.9)], [Rotate(20), Jitter(0.5), Noise()]):
        plain, folded = Pipeline(parts), Pipeline(parts, mean=mean, std=std)
        u = numbers(64, plain.draws)
        expected = (plain(X.double(), u=u).clamp(0, 255) - torch.tensor(mean).view(shape)) / torch.tensor(std).view(
            shape
        )
        if not any(isinstance(part, Noise) for part in parts):  # which takes floats to be 0..1
            torch.testing.assert_close(folded(X, u=u), expected.float(), atol=1e-4, rtol=1e-4)
        assert folded(X, u=u).dtype == torch.float32
        assert folded(X, u=u).is_contiguous(memory_format=torch.channels_last)
        still = folded.eval()(X)
        torch.testing.assert_close(still, (X.float() - torch.tensor(mean).view(shape)) / torch.tensor(std).view(shape))
    with pytest.raises(UsageError, match="mean and std"):
        Pipeline([], mean=mean)


def test_large_batches_are_gone_through_in_groups():
    x = torch.randint(0, 256, (30, 3, 160, 160), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    augment = Pipeline([Crop(8), Rotate(10), Jitter(0.2)])
    u = numbers(30, augment.draws)
    assert torch.equal(augment(x, u=u), torch.cat([augment(x[i : i + 1], u=u[i : i + 1]) for i in range(30)]))
    assert augment(x[:0], u=u[:0]).shape == (0, 3, 160, 160)


def test_draws_of_an_epoch_are_distinct_and_pure():
    augment = Pipeline([Flip(), Translate(2)])
    tables = torch.stack([augment.numbers(50, 3, member, epoch) for member in range(3) for epoch in range(4)])
    assert len(tables.flatten(0, 1).unique(dim=0)) == 600
    assert torch.equal(tables[1], augment.numbers(50, 3, 0, 1))
    augment = Pipeline([Rotate(15), Jitter(0.2)])
    same = X[:1].expand(200, -1, -1, -1)
    assert len(augment(same, u=augment.numbers(200, 0)).flatten(1).unique(dim=0)) == 200


@pytest.mark.parametrize("name", CHAPTER)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [torch.uint8, torch.float32, torch.float64])
def test_contract_of_images(name, channels, kind):
    augment = Pipeline([AUGMENTATIONS[name]()], classes=2)
    x = X[:, :channels].to(kind) if kind == torch.uint8 else X[:, :channels].to(kind) / 255
    before, u = x.clone(), augment.numbers(64, seed=0)
    out = done(augment, x, u)
    assert (out.shape, out.dtype) == (x.shape, kind)
    assert torch.equal(x, before), "the caller's images stay"
    assert torch.equal(done(augment, x, u), out), "equal numbers give equal images"
    members = done(augment, x.view(4, 16, *x.shape[1:]), u.view(4, 16, -1))
    if augment.mixer is None:
        assert torch.equal(members.flatten(0, 1), out)
        order = torch.randperm(64, generator=torch.Generator().manual_seed(1))
        assert torch.equal(done(augment, x[order], u[order]), out[order]), "a draw belongs to its image"
        assert torch.equal(done(augment, x[:5], u[:5]), out[:5]), "whatever the batch"
    assert members.shape == (4, 16, *x.shape[1:])
    assert augment.eval()(x) is x
    labels = torch.zeros(64, dtype=torch.int64)
    assert augment(x, labels)[1] is labels


@pytest.mark.parametrize("name", CHAPTER)
def test_contract_of_the_grammar(name):
    part = AUGMENTATIONS[name]
    assert part.__doc__
    assert type(parse(name, (3, 32, 32))[0]) is part
    with pytest.raises(UsageError, match=WRONG[name].split("=")[0] if inspect.signature(part).parameters else name):
        parse(f"{name}({WRONG[name]})", (3, 32, 32))
    settings = inspect.signature(part).parameters
    if "p" in settings:
        never = Pipeline([part(p=0)], classes=2)
        assert torch.equal(done(never, X, numbers(64, never.draws)), X)


def test_all_parts_are_listed():
    import ravine.augmentation as chapter

    kinds = {"Part", "Geometric", "Colour", "Pixelwise", "Mixing", "Pipeline"}
    classes = {getattr(chapter, name) for name in chapter.__all__ if inspect.isclass(getattr(chapter, name))}
    assert set(AUGMENTATIONS.values()) == classes - {getattr(chapter, kind) for kind in kinds}
    assert set(WRONG) == set(AUGMENTATIONS)
    assert sum(issubclass(part, Geometric) for part in AUGMENTATIONS.values()) == 12


def test_presets_are_texts_of_the_grammar():
    assert expanded("light", (3, 32, 32)) == "flip, translate(2)"
    assert expanded("light, mixup(0.2)", (3, 64, 64)) == "flip, translate(4), mixup(0.2)"
    assert expanded("none", (3, 32, 32)) == "none"
    for name in PRESETS:
        for shape in ((3, 32, 32), (1, 8, 8), (3, 128, 96), (1, 28, 28)):
            text = expanded(name, shape)
            assert (shape[0] == 3) == ("flip" in text)
            assert ", ".join(map(str, spec.parse_list(text))) == text
            pipeline = Pipeline(parse(name, shape), classes=3)
            pipeline.refuse(*shape)
    with pytest.raises(UsageError, match="Did you mean 'standard'"):
        parse("standart", (3, 32, 32))
    with pytest.raises(UsageError, match="unknown name 'light'|no setting|too many"):
        parse("light(3)", (3, 32, 32))


def test_inside_autocast_pixels_keep_their_places():
    augment, u = Pipeline([Rotate(15)]), numbers(64, 1)
    with torch.autocast("cpu", torch.bfloat16):
        inside = augment(X, u=u)
    assert torch.equal(inside, augment(X, u=u))
