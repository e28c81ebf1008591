"""Curves of a channel's values, and sharpness: what RandAugment draws beside geometry and colour."""

import torch


def posterize(x: torch.Tensor, bits: torch.Tensor, high: float) -> torch.Tensor:
    """Keeps the upper `bits` `[B]` (0..8) of each value of `[B, C, H, W]`."""
    step = 2.0 ** (8 - bits.round())[:, None, None, None]
    values = (x * (255 / high)).round()
    return torch.where(step > 1, torch.floor(values / step) * step * (high / 255), x)


def solarize(x: torch.Tensor, threshold: torch.Tensor, high: float) -> torch.Tensor:
    """Inverts the values above `threshold` `[B]`, a share of white."""
    return torch.where(x > high * threshold[:, None, None, None], high - x, x)


def autocontrast(x: torch.Tensor, high: float) -> torch.Tensor:
    """Stretches each channel so that its darkest value is black and its brightest white; a flat channel stays."""
    low, top = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    spread = top - low
    return torch.where(spread > 0, (x - low) * (high / spread.clamp(min=1e-6 * high)), x)


def equalize(x: torch.Tensor, high: float) -> torch.Tensor:
    """Each channel's values by their rank: all of 256 levels become equally frequent, as far as they are.

        lut[v] = (sum of counts below v + step / 2) / step,   step = (pixels - count of the brightest) / 255

    as in Pillow; a channel for which step is below 1 stays.
    """
    shape, values = x.shape, (x.flatten(2) * (255 / high)).round().clamp(0, 255).long()
    counts = torch.zeros(*shape[:2], 256, dtype=torch.int64, device=x.device)
    counts.scatter_add_(2, values, torch.ones_like(values))
    brightest = counts.gather(2, values.amax(2, keepdim=True))
    step = (values.shape[2] - brightest) // 255
    below = counts.cumsum(2) - counts
    table = ((below + step // 2) // step.clamp(min=1)).clamp(max=255).to(x.dtype) * (high / 255)
    return torch.where((step > 0).unsqueeze(3), table.gather(2, values).view(shape), x)


def sharpen(x: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """`factor` `[B]` times the image and 1 - factor times its smoothed version: below 1 blurs, above 1 sharpens.

    Smoothed by Pillow's 3 x 3 weights (1 1 1, 1 5 1, 1 1 1) / 13; the outermost pixels stay as they are.
    """
    if min(x.shape[2:]) < 3:
        return x
    height, width = x.shape[2] - 2, x.shape[3] - 2
    around = 4 * x[:, :, 1:-1, 1:-1]
    for h in range(3):
        for w in range(3):
            around += x[:, :, h : h + height, w : w + width]
    smooth = x.clone()
    smooth[:, :, 1:-1, 1:-1] = around / 13
    return smooth + factor[:, None, None, None] * (x - smooth)
