"""A loss of two weights: what a race runs on."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ravine import draws


@dataclass(frozen=True)
class Surface:
    """A loss of two weights, with the start of the race and the picture's frame.

    Attributes:
        key: its name on the command line.
        title: its name on the page.
        trap: what it is an example of, in a word or two.
        sentences: what one sees.
        function: from float64 `[..., 2]` to the losses `[...]`; differentiable; 0 at its lowest.
        start: where every rule starts.
        window: x from, x to, y from, y to; of proportion 4 : 3, so that a circle is drawn as one.
        minima: points to mark, where the loss is lowest near by.
        steps: length of a race.
        sigma: standard deviation of the noise that a mini-batch adds to each coordinate of the gradient; 0 for none.
    """

    key: str
    title: str
    trap: str
    sentences: str
    function: Callable[[torch.Tensor], torch.Tensor]
    start: tuple[float, float]
    window: tuple[float, float, float, float]
    minima: tuple[tuple[float, float], ...]
    steps: int
    sigma: float = 0.0

    def gradient(self, w: torch.Tensor) -> torch.Tensor:
        """The gradients `[K, 2]` at `w` `[K, 2]`, without noise."""
        w = w.detach().requires_grad_()
        return torch.autograd.grad(self.function(w).sum(), w)[0]

    def noise(self, seed: int, step: int) -> torch.Tensor:
        """`[2]`, what the mini-batch of this step adds to the gradient: the same for every rule and setting."""
        generator = draws.generator(seed, 0, "landscape", step=step)
        return self.sigma * torch.randn(2, generator=generator, dtype=torch.float64)

    def grid(self, columns: int, rows: int) -> torch.Tensor:
        """The losses `[rows, columns]` over the window, its lowest y first; the outermost lie on the frame."""
        x0, x1, y0, y1 = self.window
        x, y = (torch.linspace(a, b, n, dtype=torch.float64) for a, b, n in ((x0, x1, columns), (y0, y1, rows)))
        return self.function(torch.stack(torch.meshgrid(x, y, indexing="xy"), -1))
