"""What an augmentation is: numbers from [0, 1) for each image, and what these do to it.

Drawing and applying are two things: the same numbers do the same to the same image, so that a draw can be replayed,
shown and tested. There are four kinds of parts, and a part may be of several (RandAugment is of three).
"""

import torch


class Part:
    """Base of all augmentations.

    Attributes:
        draws: how many numbers from [0, 1) an image needs.
        alternates: whether its numbers belong to the image for good and move by 1/2 each epoch.
    """

    draws: int = 0
    alternates: bool = False

    def refuse(self, channels: int, height: int, width: int) -> None:
        """Raises UsageError where the part cannot be done to images of this shape."""


class Geometric(Part):
    """Moves pixels. All geometric parts of a stage are multiplied into one matrix, and the image is sampled once.

    Coordinates are centred on the pixels: x to the right and y down, in pixels, from the middle of the image. A matrix
    takes the coordinates (x, y, 1) of an output pixel to the place in the input that this pixel shows.

    Attributes:
        copies: whether every draw moves whole pixels, so that nothing is ever interpolated.
        affine: whether the last row of every matrix is 0 0 1.
    """

    copies: bool = False
    affine: bool = True

    def matrix(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, draws]` to matrices `[B, 3, 3]` float32."""
        raise NotImplementedError


class Colour(Part):
    """Mixes the channels of each pixel. All colour parts of a stage are multiplied into one matrix an image.

    Attributes:
        needs_mean: whether the matrix depends on the image's mean.
    """

    needs_mean: bool = False

    def colours(self, u: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """From draws `[B, draws]` and the images' means `[B, C]` to matrices `[B, C, C + 1]` on (channels, 1)."""
        raise NotImplementedError


class Pixelwise(Part):
    """Anything else that is done to the pixels of one image: blur, noise, erasing, tone curves."""

    def pixels(self, x: torch.Tensor, u: torch.Tensor, high: float) -> torch.Tensor:
        """Images `[B, C, H, W]` to images of the same shape and type; may write into `x`.

        Args:
            x: float, from 0 to `high`.
            u: draws `[B, draws]`.
            high: what white is: 255 for images that came as integers, 1 for floats.
        """
        raise NotImplementedError


class Mixing(Part):
    """Makes one image of two, and one label of two."""

    def share(self, u: torch.Tensor, height: int, width: int) -> torch.Tensor:
        """From draws `[B, draws]` to the image's own share of each pixel, `[B, 1, H, W]` or `[B, 1, 1, 1]`."""
        raise NotImplementedError
