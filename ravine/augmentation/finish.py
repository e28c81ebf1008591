"""The last step of a pipeline: from floats to what was asked for."""

from collections.abc import Sequence

import torch


class Finish:
    """Normalises to float32, channels last; or goes back to the type that the images came in.

        out = (in - mean) / std        where there are a mean and a std

    Args:
        mean, std: per channel `[C]`, or None.
        kind: the type that the images came in; integers are rounded and cut to 0..255.
        high: what white is: 255 for integers, 1 for floats (which are not cut).
    """

    def __init__(self, mean: Sequence[float] | None, std: Sequence[float] | None, kind: torch.dtype):
        self.normalises, self.mean, self.std = mean is not None, mean, std
        self.kind = torch.float32 if self.normalises else kind
        self.cuts = not kind.is_floating_point
        self.high = 255.0 if self.cuts else 1.0

    def empty(self, x: torch.Tensor) -> torch.Tensor:
        """Room for the result of images `[B, C, H, W]`."""
        return torch.empty(x.shape, dtype=self.kind, device=x.device, memory_format=torch.channels_last)

    def constants(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """mean and 1 / std, `[C, 1, 1]`, of the type and on the device of `x`."""
        shape = {"dtype": x.dtype if x.is_floating_point() else torch.float32, "device": x.device}
        return torch.tensor(self.mean, **shape)[:, None, None], 1 / torch.tensor(self.std, **shape)[:, None, None]

    def limits(self) -> list[tuple[float, float]]:
        """What black and white are in each channel after normalisation."""
        channels = zip(self.mean or (), self.std or (), strict=True)
        return [(-mean / std, (self.high - mean) / std) for mean, std in channels]

    def in_place(self, x: torch.Tensor) -> torch.Tensor:
        """Floats that are right, in the type that is wanted or ready to be copied to it; writes into `x`."""
        if self.normalises:
            mean, scale = self.constants(x)
            return x.sub_(mean).mul_(scale)
        return x.round_() if self.cuts else x
