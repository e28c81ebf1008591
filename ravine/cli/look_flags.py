"""The flags of every command that looks at data through a pretrained network, without training it."""

from dataclasses import dataclass
from typing import Annotated, Any

import tyro


@dataclass(frozen=True)
class LookFlags:
    weights: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="WEIGHTS")]
    """A run's folder, a weights file (.safetensors, .pth, .pt, .th), timm:NAME or hf-hub:NAME."""
    data: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATA")]
    """Folder, .zip, .npz, or digits."""
    block: str = "auto"
    """Name or number of the block after which features are taken; auto takes what the head is given."""
    member: int = 0
    """Which of several networks, from 0."""
    model: str = "auto"
    """What a file of others' making is: resnet20, 'timm("resnet50")'; auto recognises ravine's models."""
    normalize: str = "auto"
    """What pixels are brought to: imagenet, half, data, values(mean, std); auto is what the weights are used to."""
    size: str = "auto"
    """Side in pixels that images are brought to; auto is what the weights were trained on."""
    max_bad: float = 0.01
    """Share of unreadable images that is accepted (they are left out, and listed)."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1."""
    cache: str = ""
    """Where decoded images are kept; empty is ~/.cache/ravine (or RAVINE_CACHE)."""
    json: bool = False
    """Print what was found as one JSON object."""

    def for_looking(self) -> dict[str, Any]:
        """What `ravine.features` and `ravine.probe` take by name."""
        return {
            "block": self.block,
            "member": self.member,
            "model": self.model,
            "normalize": self.normalize,
            "size": int(self.size) if self.size.isdecimal() else self.size,
            "max_bad": self.max_bad,
            "device": self.device,
            "cache": self.cache or None,
        }
