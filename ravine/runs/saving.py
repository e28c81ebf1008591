"""When a training is saved, and what: the checkpoint to go on from, and the best and the last weights to use."""

import time
from pathlib import Path

from ravine.checkpoints import store, weights_file
from ravine.checkpoints.run_folder import RunFolder
from ravine.errors import NonFiniteLossError
from ravine.runs import snapshots
from ravine.runs.state import about, named, state_of
from ravine.runs.trainer import Training

# A save is due when it costs at most this share of the time since the last one. What a kill costs is only that time:
# the result is the same wherever the training is taken up again.
COST_SHARE = 0.01
# Inside an epoch a save is due only after so many seconds, for epochs that take hours.
MID_EPOCH_SECONDS = 60.0


class Saver:
    """Saves a training to its run folder.

    Attributes:
        seconds: what all saves so far have cost.
        newest, saved_step: the checkpoint saved last and its step; None and -1 before the first.
    """

    def __init__(self, folder: RunFolder, training: Training):
        self.folder, self.training = folder, training
        self.seconds = 0.0
        self.newest: Path | None = None
        self.saved_step = -1
        self._cost = self._told = 0.0
        self._ended: float | None = None
        self._started = time.monotonic()
        self._best_written: tuple[list[int], list[int]] | None = None

    def due(self, *, mid_epoch: bool = False) -> bool:
        """Whether a save is worth its time now; the first one always is."""
        if self._ended is None:
            return not mid_epoch or time.monotonic() - self._started > MID_EPOCH_SECONDS
        elapsed = time.monotonic() - self._ended
        return elapsed * COST_SHARE >= self._cost and not (mid_epoch and elapsed < MID_EPOCH_SECONDS)

    def since_last(self) -> float:
        """The seconds of all saves since this was last asked."""
        seconds, self._told = self.seconds - self._told, self.seconds
        return seconds

    def save(self) -> Path:
        """Saves now.

        Raises:
            SaveError: the file system refused; what was saved before stays good.
            NonFiniteLossError: a weight is no number, so there is nothing worth saving.
        """
        started = time.monotonic()
        training, folder = self.training, self.folder
        training.freeze_overflowed()
        if not training.finite:
            where = f"epoch {training.position.epoch + 1}"
            raise NonFiniteLossError("the weights overflowed", where=where, cure="Train with a lower --lr")
        population, best, voters = training.population, training.best, training.voters
        with training.deployed():
            best.keep_latest(population)
            last = {name: tensor.clone() for name, tensor in named(training, population.state()).items()}
        tensors, state = state_of(training)
        self.newest = store.save(folder.checkpoints, training.step, tensors, state)
        if self._best_written != (best.epochs, voters) or 0 in best.epochs:
            weights_file.write(folder.best_weights, named(training, best.state), about(training, "best"))
            self._best_written = (list(best.epochs), voters)
        weights_file.write(folder.last_weights, last, about(training, "last"))
        if training.average:
            weights_file.write(folder.raw_weights, named(training, population.state()), about(training, "raw"))
        snapshots.write(folder, training)
        folder.write_results_csv(training.rows, training.times)
        self.saved_step = training.step
        self._ended = time.monotonic()
        self._cost = self._ended - started
        self.seconds += self._cost
        return self.newest
