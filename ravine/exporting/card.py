"""What an exported file says of itself, for whoever finds it without ravine."""

import json

from ravine import __version__
from ravine.prediction import Predictor
from ravine.trained import Trained


def card(network: Predictor) -> dict[str, str]:
    """Texts by name: classes (a JSON list, in the order of the probabilities), input, before, output, made_by."""
    part, members = network.parts[0], sum(len(part.population.members) for part in network.parts)
    mean = "the mean" if network.weights is None else "the weighted mean"
    averaged = f"{mean} of {members} members' softmax" if members > 1 else "the softmax"
    return {
        "classes": json.dumps(list(network.classes), ensure_ascii=False),
        "input": _input(part),
        "before": _before(part),
        "output": f"probabilities: float32 [N, {len(network.classes)}], in the order of classes; {averaged}",
        "made_by": f"ravine {__version__}",
    }


def input_name(network: Predictor) -> str:
    """What the input is called: images or features."""
    return "images" if len(network.parts[0].in_shape) == 3 else "features"


def _input(network: Trained) -> str:
    name, shape = input_name(network), ", ".join(map(str, network.in_shape))
    if network.preprocessing is None:
        return f"{name}: float32 [N, {shape}], as in the training data; normalised inside"
    channels = "gray" if network.in_shape[0] == 1 else "red, green, blue"
    return f"{name}: uint8 [N, {shape}] (N, channel, row, column), {channels}, 0..255; normalised inside"


def _before(network: Trained) -> str:
    """What has to be done to an image first: what `ravine.data.preprocess` does, in words."""
    if network.preprocessing is None:
        return "nothing"
    height, width = network.in_shape[1:]
    mode = "L (0.299 R + 0.587 G + 0.114 B)" if network.in_shape[0] == 1 else "RGB"
    return (
        f"upright (EXIF), transparency laid on white, Pillow's mode {mode}; an image that is not {width} wide and "
        f"{height} high: s = min(image height / {height}, image width / {width}); the middle {width} s x {height} s of "
        "the image, with fractions, resized by Pillow's resize with BICUBIC, box and reducing_gap=3.0"
    )
