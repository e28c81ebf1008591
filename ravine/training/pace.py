"""How far each step is in the whole of a training, and which is the last: also where the end is moved on the way."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from ravine.errors import UsageError

_EXPECTED = "STEP:STEPS, STEP:STEPS, ... from 0 on, the steps in all as they were planned at a step before them"


class Pace:
    """Progress by steps, where the end may be moved: from step s_i on T_i steps are planned in all.

        p(s) = p_i + (1 - p_i) (s - s_i) / (T_i - s_i)     from s_i to s_(i+1),   p_0 = 0,   p_(i+1) = p(s_(i+1))

    A training of so many epochs plans once. One that has to be done by a time plans again as often as it must: the
    progress goes on from where it is, faster or slower, never back and in no jump, so that a falling rate goes on
    falling. What was planned when is all that is needed to do the same steps again without a clock.

    Args:
        plans: (s_i, T_i), the first of step 0, each before the end that it moves.

    Raises:
        UsageError: plans that cannot be.
    """

    def __init__(self, plans: Sequence[tuple[int, int]]):
        rising = all(a < b < end for (a, end), (b, _) in pairwise(plans))
        if not plans or plans[0][0] != 0 or not rising or any(end <= step for step, end in plans):
            raise UsageError(f"plans {list(plans)}", where="pace", expected=_EXPECTED)
        self.plans: list[tuple[int, int]] = []
        self._reached: list[float] = []  # p_i
        for step, total in plans:
            self._add(step, total)

    @staticmethod
    def parse(text: str, where: str = "pace") -> "Pace":
        """The pace that `str` wrote. Raises UsageError naming `where`."""
        try:
            pairs = [part.split(":") for part in text.split(",")]
            return Pace([(int(step), int(total)) for step, total in pairs])
        except (ValueError, UsageError):
            raise UsageError(f"cannot be read: {text!r}", where=where, expected=_EXPECTED) from None

    def __str__(self) -> str:
        """The plans as text: "0:1043, 412:980"."""
        return ", ".join(f"{step}:{total}" for step, total in self.plans)

    @property
    def total(self) -> int:
        """Optimizer steps in all, as planned now."""
        return self.plans[-1][1]

    def progress(self, step: int) -> float:
        """Which share is done before step number `step`, counted from 0; 1 from the end on."""
        if step >= self.total:
            return 1.0
        i = len(self.plans) - 1
        while self.plans[i][0] > step:
            i -= 1
        (start, total), reached = self.plans[i], self._reached[i]
        # p = p_i + (1 - p_i) (s - s_i) / (T_i - s_i)
        return reached + (1 - reached) * (step - start) / (total - start)

    def step_at(self, progress: float) -> int:
        """The first step at or after this progress."""
        return bisect_left(range(self.total), progress, key=self.progress)

    def move_end(self, step: int, total: int) -> None:
        """From step number `step` on, which is to be done next, goes so that the whole takes `total` steps.

        What is done stays as it was; one step more is the least.
        """
        if step >= self.total:
            return
        while self.plans and self.plans[-1][0] >= step:
            self.plans.pop()
            self._reached.pop()
        self._add(step, max(total, step + 1))

    def _add(self, step: int, total: int) -> None:
        reached = self.progress(step) if self.plans else 0.0
        self.plans.append((step, total))
        self._reached.append(reached)
