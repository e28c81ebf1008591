"""Images/s of the same augmentation: ours, kornia, torchvision v2 and a pipeline of Pillow, in turn.

    python benchmarks/augment.py

From a batch of 256 uint8 images in memory to a normalised float32 batch: horizontal flip, padded crop (4 pixels at
32 x 32, 28 at 224 x 224), rotation by up to 15 degrees (bilinear), jitter of brightness, contrast, saturation and hue.
Every image has draws of its own, but for torchvision on a batch, which draws once for all. What is not installed is
left out.

Then what it costs in training: images/s of the loop with an augmentation over the same loop without, epochs in turn.
"""

import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from machine import describe, spread
from PIL import Image, ImageEnhance

from ravine import data
from ravine.augmentation import Crop, Flip, Jitter, Pipeline, Rotate
from ravine.cli.allocator import keep_freed_memory
from ravine.recipe import Recipe
from ravine.runs.defaults import resolve, with_held_out
from ravine.runs.trainer import Training

BATCH = 256
TURN = 0.2
MEAN, STD = (0.49, 0.48, 0.45), (0.25, 0.24, 0.26)
Run = Callable[[torch.Tensor], torch.Tensor]


def ours(pad: int) -> Run:
    levels = {"mean": [255 * m for m in MEAN], "std": [255 * s for s in STD]}
    augment = Pipeline([Flip(), Crop(pad), Rotate(15), Jitter(0.2, hue=0.02)], **levels)
    return lambda x: augment(x)


def kornia(side: int, pad: int) -> Run:
    import kornia.augmentation as K

    augment = K.AugmentationSequential(
        K.RandomHorizontalFlip(0.5),
        K.RandomCrop((side, side), padding=pad, padding_mode="reflect"),
        K.RandomRotation(15.0, p=1.0),
        K.ColorJitter(0.2, 0.2, 0.2, 0.02, p=1.0),
        K.Normalize(torch.tensor(MEAN), torch.tensor(STD)),
        data_keys=["input"],
    )
    return lambda x: augment(x.float() / 255)


def torchvision(side: int, pad: int, batched: bool) -> Run:
    from torchvision.transforms import v2

    augment = v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomCrop(side, padding=pad, padding_mode="reflect"),
            v2.RandomRotation(15, interpolation=v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(0.2, 0.2, 0.2, 0.02),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    return augment if batched else lambda x: torch.stack([augment(image) for image in x])


def pillow(pad: int, threads: int) -> Run:
    """Image by image with Pillow's own functions; Pillow lets go of Python's lock, so that threads help."""
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def one(pixels: np.ndarray, u: np.ndarray) -> np.ndarray:
        image = Image.fromarray(pixels)
        if u[0] < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        left, top = (int(u[1] * (2 * pad + 1)) - pad, int(u[2] * (2 * pad + 1)) - pad)
        image = image.crop((left, top, left + image.width, top + image.height))
        image = image.rotate(30 * u[3] - 15, Image.Resampling.BILINEAR)
        for enhance, number in zip(
            (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color), u[4:7], strict=True
        ):
            image = enhance(image).enhance(0.8 + 0.4 * number)
        hue, saturation, value = image.convert("HSV").split()
        turned = np.asarray(hue) + np.uint8(round(255 * (0.04 * u[7] - 0.02)) % 256)
        image = Image.merge("HSV", (Image.fromarray(turned), saturation, value)).convert("RGB")
        return (np.asarray(image, np.float32) / 255 - mean) / std

    def run(x: torch.Tensor) -> torch.Tensor:
        images, u = x.permute(0, 2, 3, 1).contiguous().numpy(), np.random.default_rng(0).random((len(x), 8))
        done = pool.map(one, images, u) if pool else map(one, images, u)
        return torch.from_numpy(np.stack(list(done))).permute(0, 3, 1, 2)

    return run


def contenders(side: int, pad: int, threads: int) -> dict[str, Run]:
    runs = {"ours": ours(pad), "Pillow, per image": pillow(pad, threads)}
    if importlib.util.find_spec("kornia"):
        runs["kornia"] = kornia(side, pad)
    if importlib.util.find_spec("torchvision"):
        runs["torchvision v2, per image"] = torchvision(side, pad, batched=False)
        runs["torchvision v2, one draw a batch"] = torchvision(side, pad, batched=True)
    return runs


def turn(run: Run, x: torch.Tensor) -> float:
    """Images/s over at least `TURN` seconds; one batch alone would be timed on the caches that others left behind."""
    started, batches = time.perf_counter(), 0
    out = x
    while time.perf_counter() - started < TURN:
        out = run(x)
        batches += 1
    assert out.shape == x.shape
    assert out.dtype == torch.float32
    return batches * len(x) / (time.perf_counter() - started)


def table(rates: dict[str, list[float]], reference: str, says: Callable[[float], str]) -> None:
    """A row of images/s for each, and the median ratio to the reference in words."""
    for name, values in rates.items():
        ratio = statistics.median(a / b for a, b in zip(rates[reference], values, strict=True))
        print(f"{name:34}{spread(values, 0):36}" + ("" if name == reference else says(ratio)))


def training(repetitions: int) -> None:
    """convnet(width=32) on 32 x 32 at batch 128, trained by ravine's own loop on random images."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (2304, 32, 32, 3), np.uint8), np.arange(2304) % 10
    recipe = Recipe(model="convnet(width=32)", batch=128, epochs=10**6, forward="direct", val=0.111)
    epochs = {}
    for name in ("none", "light", "standard", "strong"):
        dataset, chosen = with_held_out(data.load((x, y)), recipe.changed(augment=name))
        chosen, _ = resolve(chosen, dataset, torch.device("cpu"))
        epochs[name] = Training(chosen, dataset, torch.device("cpu")).epochs()
    print(f"\ntraining convnet(width=32), 32 x 32, batch 128, {torch.get_num_threads()} threads, images/s")
    rates: dict[str, list[float]] = {name: [] for name in epochs}
    for repetition in range(repetitions + 1):
        for name, rows in epochs.items():
            _, times = next(rows)
            if repetition:
                rates[name].append(times["images_per_second"])
    table(rates, "none", lambda ratio: f"{1 / ratio:.3f} of none")


def main(repetitions: int = 5) -> None:
    keep_freed_memory()
    print(describe(repetitions))
    for side, pad in ((32, 4), (224, 28)):
        x = torch.randint(0, 256, (BATCH, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
        for threads in (1, 2):
            torch.set_num_threads(threads)
            print(f"\n{BATCH} images of {side} x {side}, {threads} threads, images/s")
            runs = contenders(side, pad, threads)
            rates: dict[str, list[float]] = {name: [] for name in runs}
            for repetition in range(repetitions + 1):
                for name, run in runs.items():
                    rate = turn(run, x)
                    if repetition:  # the first makes the memory
                        rates[name].append(rate)
            table(rates, "ours", lambda ratio: f"ours {ratio:.1f} times as fast")
    training(2 * repetitions)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
