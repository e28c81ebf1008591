"""Random crop: the same picture, framed a little differently."""

from ravine.augmentation.translate import Translate


class Crop(Translate):
    """Pads an image by `pixels` on each side and cuts its old size out of that, anywhere with equal chance.

        out[h, w] = padded[h + top, w + left],   top, left in 0 .. 2 pixels

    The same as `translate(pixels)`, under the name of He et al. 2016 (section 4.2), who pad with black:
    `crop(4), edge("black")`.

    Args:
        pixels: as of `translate`.
    """

    name = "crop"
