"""Answers that say how unsure they are: of an ensemble's members, of dropout masks, or of both.

for answer in ravine.predict_with_uncertainty(run.best, "new-photos/"):
    print(answer.name, answer.classes[0], answer.mutual_information)
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import torch

from ravine import draws
from ravine.ensembles import Uncertainty, mc_dropout, uncertainty
from ravine.errors import UsageError
from ravine.prediction import Prediction, Predictor
from ravine.runs.noisy import has_dropout, noisy_members
from ravine.trained import Trained

MOST = 1000


@dataclass(frozen=True)
class UncertainPrediction(Prediction):
    """One image's answer, the mean over samples, with its uncertainty in nats; see `ravine.ensembles.Uncertainty`.

    Attributes:
        entropy: 0 (sure) to log(classes).
        expected_entropy: the part that the image is to blame for.
        mutual_information: the part that the samples disagree about; high for what was never seen in training.
    """

    entropy: float = nan
    expected_entropy: float = nan
    mutual_information: float = nan


class Samples:
    """The samples of a trained network's answers.

    Members without dropout are a sample each. Members with dropout give several, one a mask: n / members, rounded up.
    So there are `n` samples or a few more where all have dropout, and fewer where some have not. Each member has its
    weight in the vote, which its masks share.

    Args:
        trained: what answers.
        n: dropout masks in all, 1 to 1,000.
        seed: of the masks.

    Attributes:
        said: in words, what the samples are.

    Raises:
        UsageError: one network without dropout, which has nothing to disagree with, or `n`.
    """

    def __init__(self, trained: Predictor, n: int = 30, seed: int = 0):
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST:
            raise UsageError(f"cannot be {n!r}", where="--uncertainty", expected=f"1 to {MOST:,}")
        self.trained, self.seed = trained, seed
        self._noisy = [noisy_members(part) for part in trained.parts]
        members = sum(map(len, self._noisy))
        dropping = any(map(has_dropout, self._noisy))
        if members == 1 and not dropping:
            what = "one network without dropout, which has nothing to disagree with"
            cure = 'Train with --members 5, or with --regularize "dropout(0.5)"'
            raise UsageError(what, where=trained.name, cure=cure)
        self.masks = -(-n // members)
        masked = f"{self.masks} dropout mask{'s' * (self.masks > 1)}" if dropping else ""
        each = f"{masked} each" if all(map(has_dropout, self._noisy)) else f"{masked} for those with dropout"
        alone = f"{members} members" + (f", {each}" if masked else "")
        self.said = masked if members == 1 else alone
        if members == self.masks == 1:
            self.said += ", which has nothing to disagree with: take more"

    def of(self, seen: Sequence[np.ndarray]) -> Uncertainty:
        """What they tell of the same examples as each part sees them: raw rows `[N, C, H, W]` or `[N, F]`."""
        shares = self.trained.weights
        samples, weights, member = [], [], 0
        for part, noisy, rows in zip(self.trained.parts, self._noisy, seen, strict=True):
            said = self._masked(part, noisy, rows, member) if has_dropout(noisy) else part.each(rows)[:, None]
            order = [part.classes.index(name) for name in self.trained.classes]
            for one in said[..., order]:
                share = 1.0 if shares is None else float(shares[member])
                samples.append(one)
                weights += [share / len(one)] * len(one)
                member += 1
        return uncertainty(np.concatenate(samples), np.array(weights))

    def _masked(self, part: Trained, noisy: list[torch.nn.Module], rows: np.ndarray, first: int) -> np.ndarray:
        """`[K, masks, N, classes]`."""
        x = part.normalize(torch.from_numpy(np.array(rows, order="C")).to(part.device))
        seeds = (draws.number(self.seed, first + k, "uncertainty") for k in range(len(noisy)))
        return np.stack([mc_dropout(m, x, self.masks, s).cpu().numpy() for m, s in zip(noisy, seeds, strict=True)])


def predict_with_uncertainty(
    trained: Predictor, images: Any, top: int = 1, n: int = 30, seed: int = 0
) -> list[UncertainPrediction]:
    """The likeliest classes of images, averaged over samples, and how unsure that is.

    An image's answer does not depend on the other images.

    Args:
        trained: an ensemble, whose members are the samples; or networks trained with dropout, of which there are
            `n` masks in all, each image with masks of its own.
        images: as of `Trained.predict`.
        top: how many classes to name.
        n: dropout masks in all, 1 to 1,000, rounded up to as many for each member.
        seed: of the masks.

    Raises:
        UsageError: one network without dropout; and as `Trained.predict`.
    """
    samples, found = Samples(trained, n, seed), []

    def vote(seen: Sequence[np.ndarray], _: Any) -> np.ndarray:
        found.append(samples.of(seen))
        return found[-1].mean

    asking = copy.copy(trained)  # reads images as the network does, and asks the samples
    asking._vote = vote  # pyright: ignore[reportAttributeAccessIssue]
    answers = asking.predict(images, top)
    measured = [np.stack([u.entropy, u.expected_entropy, u.mutual_information], 1) for u in found]
    told = (row.tolist() for rows in measured for row in rows)
    return [
        UncertainPrediction(p.name, p.classes, p.probabilities, p.error, *(() if p.error else next(told)))
        for p in answers
    ]
