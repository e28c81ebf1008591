"""Which images an epoch shows more often than others: the recipe's `focus`, each member by its own losses."""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional as F

from ravine import augmentation, data, spec
from ravine.errors import UsageError
from ravine.optimization import FOCUSES, HardExamples
from ravine.recipe import Recipe

_FLAG = "--focus"


def refuse_impossible(recipe: Recipe) -> None:
    """Raises UsageError for a focus that cannot be, or not with what else is asked for."""
    if not _asked(recipe):
        return
    _made(recipe, 1, 0)
    where = f"{_FLAG} {recipe.focus!r}"
    if recipe.balance == "sampler":
        raise UsageError("both say how often an image comes", where=f"{where} --balance sampler", cure="Drop one")
    for flag, value in (("--shared", recipe.shared), ("--sweep", recipe.sweep)):
        if value:
            found = "each member has images of its own that are hard, but here they share their batches"
            raise UsageError(found, where=f"{where} {flag}", cure="Drop one")
    parts = [] if recipe.augment == "auto" else augmentation.parse(recipe.augment, (3, 32, 32))
    if any(isinstance(part, augmentation.Mixing) for part in parts):
        found = "the loss of two images that are mixed says of neither whether it is hard"
        raise UsageError(found, where=f"{where} --augment {recipe.augment!r}", cure="Drop one")


def possible(recipe: Recipe) -> bool:
    """Whether some images can come more often than others, with what else is asked for."""
    try:
        refuse_impossible(recipe.changed(focus="hard"))
    except UsageError:
        return False
    return True


def focus(
    recipe: Recipe, n: int, identities: Sequence[int], progress: Callable[[int], float], device: torch.device
) -> "Focus | None":
    """What the recipe asks for, of so many training images, if anything; arguments as of `Focus`."""
    if not _asked(recipe):
        return None
    return Focus(
        [_made(recipe, n, k, device) for k in identities], identities, data.steps(n, int(recipe.batch)), progress
    )


def _asked(recipe: Recipe) -> list[spec.Spec]:
    return spec.parse_list("none" if recipe.focus == "auto" else recipe.focus, flag=_FLAG)


def _made(recipe: Recipe, n: int, identity: int, device: torch.device | str = "cpu") -> HardExamples:
    asked = _asked(recipe)
    if len(asked) > 1:
        raise UsageError(f"{len(asked)} of them", where=f"{_FLAG} {recipe.focus!r}", expected="one")
    return spec.build(asked[0], FOCUSES, flag=_FLAG, n=n, seed=recipe.seed, member=identity, device=device)


class Focus:
    """The order of each epoch, and what its steps tell of the next one.

    Args:
        hard: one a member.
        identities: as whom each member draws, `[K]`; all differ.
        bounds: (start, stop) of each batch within an order.
        progress: of a step in the whole training, 0 to 1.
    """

    def __init__(
        self,
        hard: Sequence[HardExamples],
        identities: Sequence[int],
        bounds: Sequence[tuple[int, int]],
        progress: Callable[[int], float],
    ):
        self.hard, self.bounds, self.progress = list(hard), bounds, progress
        self._of = dict(zip(identities, self.hard, strict=True))
        self._epoch = -1

    def places(self, member: int, epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Which image lies at each place of an epoch, and how often it was shown before, int64 `[n]` each.

        Of the epoch under way or the next one, which then begins; and of the first one at any time.
        """
        one = self._of[member]
        if not epoch and self._epoch > 0:
            order = torch.as_tensor(data.order(len(one.losses), one.seed, one.member, 0))
            return order, torch.zeros_like(order)
        if epoch != self._epoch:
            for each in self.hard:
                each.epoch(epoch, self.progress(epoch * len(self.bounds)) if epoch else 0.0)
            self._epoch = epoch
        return one.order, one.shown

    def saw(self, step: int, logits: torch.Tensor, y: torch.Tensor) -> None:
        """Is told what a step of the epoch under way gave, logits `[K, B, classes]`, and its labels or targets."""
        labels = y[:, :, 0] if y.dim() == 4 else y  # a teacher's answers come with the labels' targets
        losses = F.cross_entropy(logits.detach().flatten(0, 1), labels.flatten(0, 1), reduction="none")
        start, stop = self.bounds[step]
        for one, of_member in zip(self.hard, losses.view(len(self.hard), -1), strict=True):
            one.saw(one.order[start:stop], of_member)

    def state(self) -> tuple[dict[str, torch.Tensor], int]:
        """The tensors `[K, n]` of all members, and the epoch under way."""
        of_members = [one.state_dict() for one in self.hard]
        return {name: torch.stack([state[name] for state in of_members]) for name in of_members[0]}, self._epoch

    def restore(self, tensors: dict[str, torch.Tensor], epoch: int) -> None:
        """Goes on from what `state` gave."""
        for k, one in enumerate(self.hard):
            one.load_state_dict({name: tensor[k] for name, tensor in tensors.items()})
        self._epoch = epoch
