"""How bright a colour is, and matrices that leave gray alone."""

import torch

from ravine.errors import UsageError

LUMA = (0.299, 0.587, 0.114)  # ITU-R 601, the weights of Pillow's "L"


def luma_weights(channels: int, like: torch.Tensor) -> torch.Tensor:
    """`[C]`: the luma of a colour is their scalar product; of channels that are no colours, the mean."""
    weights = LUMA if channels == 3 else [1 / channels] * channels
    return torch.tensor(weights, dtype=like.dtype, device=like.device)


def refuse_other_than_colour(part: str, channels: int) -> None:
    """Raises UsageError where channels are neither gray nor red, green and blue."""
    if channels not in (1, 3):
        raise UsageError(f"images of {channels} channels", where=part, expected="1 (gray, left as it is) or 3")
