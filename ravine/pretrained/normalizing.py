"""What pixels are brought to before a network sees them, by name."""

from typing import Any

from ravine import spec
from ravine.errors import UsageError
from ravine.training.feed import Normalization

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def normalization_named(text: str, flag: str = "--normalize", channels: int | None = 3) -> Normalization | None:
    """The normalisation of pixels 0..255 that a text names; None where it is "data": counted on the training images.

        imagenet    the mean and deviation of ImageNet's colours, which most networks for photos are used to
        half        mean 0.5 and deviation 0.5 of 0..1, so that pixels become -1..1
        values([0.49, 0.48, 0.45], [0.25, 0.24, 0.26])    mean and deviation of each channel, in 0..1

    Args:
        flag: named in refusals.
        channels: of the images; None for feature arrays and floats, which can be normalised by "data" only.

    Raises:
        UsageError: another name, numbers out of range, or not one for each channel.
    """
    asked = spec.parse(text, flag=flag)
    names = {"imagenet": _imagenet, "half": _half, "data": _data, "values": _values}
    found = spec.build(asked, names, flag=flag)
    if found is None:
        return None
    if channels is None:
        raise UsageError("says what pixels 0..255 are brought to", where=f"{flag} {text}", expected="data for floats")
    mean, std = (values * channels if asked.name == "half" else values for values in found)
    if len(mean) != channels:
        what = f"{len(mean)} channels for images of {channels}"
        cure = "For gray images: values([0.5], [0.5])" if channels == 1 else ""
        raise UsageError(what, where=f"{flag} {text}", expected=f"{channels} numbers each", cure=cure)
    return Normalization(tuple(255 * value for value in mean), tuple(255 * value for value in std))


def _imagenet() -> tuple[tuple[float, ...], tuple[float, ...]]:
    return IMAGENET


def _half() -> tuple[tuple[float, ...], tuple[float, ...]]:
    return (0.5,), (0.5,)


def _data() -> None:
    return None


def _values(mean: Any, std: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for name, values, low in (("mean", mean, 0), ("std", std, 1e-4)):
        if not isinstance(values, list | tuple) or not values or not all(_between(v, low, 1) for v in values):
            raise UsageError(f"{name}={values!r}", expected=f"a list of numbers from {low:g} to 1")
    if len(mean) != len(std):
        raise UsageError(f"{len(mean)} means and {len(std)} deviations", expected="one of each a channel")
    return tuple(map(float, mean)), tuple(map(float, std))


def _between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
