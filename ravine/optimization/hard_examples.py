"""Steps are spent where they teach: half of the images that are known well give their places to others."""

import torch

from ravine import draws
from ravine.errors import UsageError

_MOST = 0.9


class HardExamples:
    """The order of each epoch, in which images whose loss lies below the mean come less often.

        easy:  loss_i < mean(loss), as it was when the image was last trained on
        an epoch of n places:  all images but a share of the easy ones, then more such draws, as far as there is room

    So an image that is not known yet is seen about `1 / (1 - share)` times as often as an easy one. In the first epoch,
    and in those that begin when `until` of the training is done, each image comes once: the network ends on the data
    as they are.

        hard = HardExamples(len(x))
        for epoch in range(10):
            for rows in hard.epoch(epoch, progress=epoch / 10).split(512):
                losses = F.cross_entropy(network(x[rows]), y[rows], reduction="none")
                hard.saw(rows, losses)
                ...

    After Qin et al., "InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning", 2024, who give the easy
    images that stay more weight; without it a training of a few epochs came as far (benchmarks/RESULTS.md). Wrong
    labels are never easy: where there are many of them it is no good idea.

    Args:
        n: images, 1 or more.
        share: of the easy images, left out of an epoch: 0 to 0.9.
        until: the progress, 0 to 1, from which on an epoch has each image once.
        seed, member: of the draws.
        device: where the losses come from.

    Attributes:
        losses: of each image when it was last trained on, float32 `[n]`; infinite before.
        order: of the epoch under way, int64 `[n]`.
        shown: how often the image at each place of it had been shown before, int64 `[n]`.

    Raises:
        UsageError: a setting out of range.
    """

    def __init__(
        self,
        n: int,
        share: float = 0.5,
        until: float = 0.85,
        seed: int = 0,
        member: int = 0,
        device: torch.device | str = "cpu",
    ):
        for name, value, most in (("share", share, _MOST), ("until", until, 1.0)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
                raise UsageError(f"{name} cannot be {value!r}", where="hard", expected=f"a number from 0 to {most:g}")
        self.share, self.until, self.seed, self.member = float(share), float(until), seed, member
        self.losses = torch.full((n,), torch.inf, device=device)
        self.order = torch.empty(0, dtype=torch.int64)
        self.shown = torch.empty(0, dtype=torch.int64)
        self._times = torch.zeros(n, dtype=torch.int64)  # that each image was shown, with this epoch

    def epoch(self, number: int, progress: float) -> torch.Tensor:
        """Begins epoch `number`, counted from 0, at this progress of the training; its images in order, int64 `[n]`."""
        easy = (self.losses < self.losses.mean()).cpu()
        share = self.share if number and progress < self.until else 0.0
        generator = draws.generator(self.seed, self.member, "order", number)
        order, shown, places = [], [], len(easy)
        while places:
            # all images but a share of the easy ones, in an order of their own
            left_out = easy & (torch.rand(len(easy), generator=generator) < share)
            rows = torch.randperm(len(easy), generator=generator)
            rows = rows[~left_out[rows]][:places]
            order.append(rows)
            shown.append(self._times[rows])
            self._times[rows] += 1
            places -= len(rows)
        self.order, self.shown = torch.cat(order), torch.cat(shown)
        return self.order

    @torch.no_grad()
    def saw(self, rows: torch.Tensor, losses: torch.Tensor) -> None:
        """Is told the losses of images, float `[B]`, in the step that trains on them."""
        self.losses[rows.to(self.losses.device)] = losses.to(self.losses)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """What it has seen, and the epoch under way."""
        return {"losses": self.losses, "order": self.order, "shown": self.shown, "times": self._times}

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        """Goes on from what `state_dict` gave."""
        self.losses, self._times = state["losses"].to(self.losses, copy=True), state["times"].clone()
        self.order, self.shown = state["order"], state["shown"]
