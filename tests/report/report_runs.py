"""Runs of seconds whose folders the tests read: digits, photos with hostile names, features."""

import csv
import io

import numpy as np
from PIL import Image

import ravine

QUICK = {"model": "mlp(hidden=(16,))", "epochs": 2, "quiet": True}


def trained(out, source="digits", **settings):
    return ravine.train(source, out=out, **{**QUICK, **settings})


def photos(folder, classes, images=12, side=(20, 24)):
    """Class folders of PNG files of one colour and some noise; returns the folder."""
    rng = np.random.default_rng(0)
    for k, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(images):
            pixels = rng.integers(0, 60, (*side, 3)) + np.array([180, 90, 0])[(np.arange(3) + k) % 3]
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{i:02d}.png")
    return folder


def rows_of(run):
    text = run.folder.predictions.read_bytes().decode("utf-8", "surrogateescape")
    return list(csv.DictReader(io.StringIO(text, newline="")))
