"""Sees to it that a training is done in time: as its steps turn out quicker or slower, it moves the end of its pace."""

from collections.abc import Callable

from ravine.training.pace import Pace

_MEMORY = 0.05  # share of the newest step in what a step takes
_MEMORY_OF_ENDS = 0.5  # and of the newest epoch's end: there are few
_WORTH = 0.03  # the end is moved when it lies off by more than this share of the steps that are left
_PAUSE = 0.01  # and not sooner than this share of the time after the last move


class Pacer:
    """Plans the end of a training again after a step, from what steps and the ends of epochs have taken so far.

        k = (left - e ends(k) - f d / d_0) / d      steps that still fit: d seconds each, e for a validation

    f is for what is scored at the very end if a step takes d_0, as was expected: where steps turn out quicker, so does
    that.

    Args:
        pace: what is moved.
        steps: of an epoch.
        until: the second by which all steps, validations and what is scored at the very end have to be done.
        step_seconds, epoch_seconds, end_seconds: d, e and f, as they are expected.
        seconds: of the whole budget.
        now: the seconds that are spent of it.
    """

    def __init__(
        self,
        pace: Pace,
        steps: int,
        *,
        until: float,
        step_seconds: float,
        epoch_seconds: float,
        end_seconds: float = 0.0,
        seconds: float,
        now: Callable[[], float],
    ):
        self.pace, self.steps, self.until, self.now = pace, steps, until, now
        self.step_seconds, self.epoch_seconds = step_seconds, epoch_seconds
        self._end_in_steps = end_seconds / step_seconds
        self.seconds, self._pause = seconds, _PAUSE * seconds
        self._moved = self._before = now()
        self._last = -1
        self.announced = pace.total  # what was last said of it

    @property
    def spent(self) -> float:
        """Seconds of the budget that are gone."""
        return self.now()

    def to_json(self) -> dict[str, float]:
        """The budget and what is gone of it, in seconds."""
        return {"seconds": self.seconds, "spent": self.spent}

    def after(self, step: int) -> bool:
        """Is told that so many steps are done; whether it has moved the end."""
        now = self.now()
        self._learn(step, now - self._before)
        self._before, self._last = now, step
        if step <= self.pace.plans[-1][0] or step >= self.pace.total or now - self._moved < self._pause:
            return False
        total = self.fitting(step, self.until - now)
        if abs(total - self.pace.total) <= _WORTH * (self.pace.total - step):
            return False
        self._moved = now
        self.pace.move_end(step, total)
        return True

    def fitting(self, step: int, left: float) -> int:
        """How many steps there can be in all, where so many are done and so many seconds are left: one more or more."""
        left -= self._end_in_steps * self.step_seconds
        more = left / self.step_seconds
        for _ in range(4):  # a validation more or less: settles at once, but at an epoch's edge
            ends = -(-(step + max(more, 1)) // self.steps) - step // self.steps
            more = (left - ends * self.epoch_seconds) / self.step_seconds
        total = step + max(int(more), 1)
        over = total % self.steps
        # a few steps more are not worth the validation after them
        return total - over if over * self.step_seconds < self.epoch_seconds and total - over > step else total

    def _learn(self, step: int, seconds: float) -> None:
        """What the newest step took, and the end of an epoch if there was one since the step before."""
        if self._last < 0 or step != self._last + 1:
            return
        if self._last and self._last % self.steps == 0:
            self.epoch_seconds += _MEMORY_OF_ENDS * (max(seconds - self.step_seconds, 0.0) - self.epoch_seconds)
        else:
            self.step_seconds += _MEMORY * (seconds - self.step_seconds)
