"""Small images and folders of them; every test has a cache of its own."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "the cache"
    monkeypatch.setenv("RAVINE_CACHE", str(folder))
    return folder


def picture(seed: int, height: int = 12, width: int = 10, mode: str = "RGB") -> Image.Image:
    """Smooth noise, so that JPEG does not change it beyond recognition."""
    values = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def make(tmp_path):
    """`make("a/1.png", "b/2.jpg", ...)` writes different images below tmp_path/DATA, or the bytes that are given."""
    root = tmp_path / "DATA"
    count = iter(range(10_000))

    def write(*names: str, content: bytes | None = None, **options) -> Path:
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            image = picture(next(count), **options)
            path.write_bytes(encoded(image, "JPEG" if name.endswith("jpg") else "PNG") if content is None else content)
        return root

    return write


@pytest.fixture
def zipped(tmp_path):
    """Zips a folder, its names starting with `prefix`."""

    def write(folder: Path, prefix: str = "", name: str = "DATA.zip", compression: int = zipfile.ZIP_DEFLATED) -> Path:
        with zipfile.ZipFile(tmp_path / name, "w", compression) as file:
            for path in sorted(folder.rglob("*")):
                file.write(path, prefix + path.relative_to(folder).as_posix())
        return tmp_path / name

    return write


@pytest.fixture(name="picture")
def _picture():
    return picture


@pytest.fixture(name="encoded")
def _encoded():
    return encoded
