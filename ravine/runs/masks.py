"""Each dropout mask of a run is one model: how good each is, and what their average is worth."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from ravine import data
from ravine.ensembles import Answers
from ravine.ensembles.dropout_masks import fixed_mask
from ravine.ensembles.mask_report import MaskReport, Rival, mask_report
from ravine.errors import UsageError
from ravine.prediction import Predictor
from ravine.runs.noisy import has_dropout, noisy_members
from ravine.trained import Trained

MOST = 1000
_BATCH = 512
Tick = Callable[[int, int], None]


def masks(
    trained: Predictor,
    dataset: data.Dataset,
    split: str = "auto",
    *,
    n: int = 50,
    seed: int = 0,
    ensemble: Predictor | None = None,
    tick: Tick | None = None,
) -> MaskReport:
    """Judges n masks of a network that was trained with dropout, each the same for every image.

    Batch norm keeps the statistics of its training, as in ordinary evaluation. Where there are several members, the
    masks are the first one's, and the members are the true ensemble unless another is given.

    Args:
        trained: the network, of one architecture.
        dataset: that `own_data` or `trained.open` gave.
        split: "test", "val", "train" or "auto", the first that there is of them.
        n: masks, 1 to 1,000.
        seed: of the masks.
        ensemble: independently trained networks of the same classes; a run's with dropout is also tried with n masks,
            mask i in member i mod K. Judge it on what it has not seen: `own_data(..., beside=ensemble)`.
        tick: told how many of how many forward passes are done.

    Raises:
        UsageError: no dropout, or a number that cannot be. DataError: data of another kind.
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST:
        raise UsageError(f"cannot be {n!r}", where="-n", expected=f"1 to {MOST:,}")
    network, *others = trained.parts
    if others:
        raise UsageError("several networks joined", where=trained.name, expected="one run, or its weights file")
    members = _with_dropout(network)
    if ensemble and set(ensemble.classes) != set(network.classes):
        expected = f"the classes of {network.name}: {', '.join(network.classes)}"
        raise UsageError(f"classes {', '.join(ensemble.classes)}", where=ensemble.name, expected=expected)
    if ensemble and sum(len(part.population.members) for part in ensemble.parts) < 2:
        raise UsageError("one network", where=f"--ensemble {ensemble.name}", expected="several members")
    whole = network.answers(dataset, split).of([0])
    part = dataset.splits[dataset.scored_split(split)[0]]
    every = Answers(thinned(network, members[:1], part, n, seed, tick), whole.labels)
    ensemble = ensemble or (network if len(members) > 1 else None)
    return mask_report(every, whole, _rivals(ensemble, network.classes, dataset, split, n, seed, tick))


def thinned(
    network: Trained, members: Sequence[nn.Module], part: data.Split, n: int, seed: int = 0, tick: Tick | None = None
) -> np.ndarray:
    """What n thinned networks say of a split, `[n, N, classes]` float32: mask i in member i mod K."""
    starts = range(0, len(part), _BATCH)
    out = np.empty((n, len(part), len(network.classes)), np.float32)
    for done, start in enumerate(starts):
        rows = np.arange(start, min(start + _BATCH, len(part)))
        x = network.normalize(torch.from_numpy(part.take(rows)).to(network.device))
        for i in range(n):
            member = members[i % len(members)]
            with torch.no_grad(), fixed_mask(member, seed, i):
                out[i, rows] = member(x).float().softmax(1).cpu().numpy()
            if tick:
                tick(done * n + i + 1, len(starts) * n)
    return out


def _with_dropout(network: Trained) -> list[nn.Module]:
    members = noisy_members(network)
    if not has_dropout(members):
        cure = 'Train one that has: ravine train DATA --regularize "dropout(0.5)"'
        raise UsageError("was trained without dropout, so it has no masks", where=network.name, cure=cure)
    return members


def _rivals(
    ensemble: Predictor | None,
    classes: Sequence[str],
    dataset: data.Dataset,
    split: str,
    n: int,
    seed: int,
    tick: Tick | None,
) -> list[Rival]:
    """An ensemble's members with dropout off and, where they are of one run with dropout, with n masks among them."""
    if ensemble is None:
        return []
    order = [ensemble.classes.index(name) for name in classes]
    said = ensemble.answers(dataset, split).probabilities[:, :, order]
    rivals = [Rival(f"{len(said)} members", said, ensemble.weights)]
    members = noisy_members(ensemble.parts[0]) if len(ensemble.parts) == 1 and len(said) < n else []
    if members and has_dropout(members):
        part = dataset.splits[dataset.scored_split(split)[0]]
        masked = thinned(ensemble.parts[0], members, part, n, seed, tick)[:, :, order]
        rivals.append(Rival(f"{len(said)} members, {n} masks", masked, None))
    return rivals
