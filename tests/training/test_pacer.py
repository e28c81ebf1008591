"""A training in simulated time: whatever its steps take, it ends when it should, and the rate never jumps."""

import pytest

from ravine.training.pace import Pace
from ravine.training.pacer import Pacer


class Simulation:
    """`step(i)` seconds for step i, `epoch` for a validation; the pacer expects what it is told."""

    def __init__(self, step, epoch, *, steps, seconds, expected, total, end=0.0, measured=1.0):
        """`measured` is what a step, a validation and the end (of `end` seconds) seemed to take over what they take."""
        self.now, self.steps = 0.0, steps
        self.step, self.epoch, self.end = step, epoch, end
        self.pace = Pace([(0, total)])
        settings = {"step_seconds": measured * expected, "epoch_seconds": measured * epoch, "seconds": seconds}
        settings |= {"end_seconds": measured * end, "now": lambda: self.now}
        self.pacer = Pacer(self.pace, steps, until=seconds, **settings)

    def run(self):
        done = 0
        while done < self.pace.total:
            self.now += self.step(done)
            done += 1
            self.pacer.after(done)
            if done % self.steps == 0 or done == self.pace.total:
                self.now += self.epoch
        return self.now + self.end


SPEEDS = {
    "as planned": lambda i: 0.1,
    "twice as slow": lambda i: 0.2,
    "three times as fast": lambda i: 0.033,
    "slower from the middle on": lambda i: 0.1 if i < 400 else 0.25,
    "faster from the middle on": lambda i: 0.1 if i < 400 else 0.04,
    "uneven": lambda i: 0.25 if i * 7919 % 4 == 0 else 0.05,
    "a pause": lambda i: 10.0 if i == 300 else 0.1,
    "slower and slower": lambda i: 0.05 * (1 + i / 300),
}


@pytest.mark.parametrize("name", SPEEDS)
@pytest.mark.parametrize("steps", [10, 176, 5000], ids="{} steps an epoch".format)
def test_it_ends_in_time(name, steps):
    seconds = 100.0
    simulation = Simulation(SPEEDS[name], 0.5, steps=steps, seconds=seconds, expected=0.1, total=900)
    took = simulation.run()
    assert took <= seconds + 2.0
    assert took >= 0.97 * seconds - 0.5  # a validation that would not pay is left out


@pytest.mark.parametrize(
    ("images", "rate"), [(200, 400.0), (50_000, 2_000.0), (1_200_000, 300.0), (1_200_000, 3_000.0)]
)
@pytest.mark.parametrize("seconds", [30.0, 300.0, 7200.0])
def test_from_200_images_to_a_million(images, rate, seconds):
    """The plan is three times too optimistic; the budget may be a small part of an epoch, or thousands of them."""
    batch = 16 if images < 500 else 256
    step = batch / rate
    planned = max(1, int(3 * seconds / step))
    simulation = Simulation(
        lambda i: step, 0.02, steps=-(-images // batch), seconds=seconds, expected=step / 3, total=planned
    )
    took = simulation.run()
    assert abs(took - seconds) <= max(2.0, 0.03 * seconds, step)


def test_the_rate_falls_on_without_a_jump_when_the_end_is_moved():
    simulation = Simulation(SPEEDS["slower from the middle on"], 0.5, steps=100, seconds=100.0, expected=0.1, total=950)
    simulation.run()
    pace = simulation.pace
    assert len(pace.plans) > 1
    rates = [1 - pace.progress(step) for step in range(pace.total)]
    falls = [a - b for a, b in zip(rates, rates[1:], strict=False)]
    assert all(fall > 0 for fall in falls)
    assert max(falls) < 0.05


@pytest.mark.parametrize("measured", [0.25, 0.5, 1.0, 2.0, 7.0])
def test_what_was_measured_while_the_machine_was_busy_or_idle_is_not_believed_to_the_end(measured):
    planned = round(570 / measured)
    settings = {"steps": 90, "seconds": 300.0, "expected": 0.5, "total": planned, "end": 7.0, "measured": measured}
    simulation = Simulation(lambda i: 0.5, 1.5, **settings)
    assert 0.97 * 300.0 <= simulation.run() <= 302.0


def test_a_machine_as_quick_as_planned_is_left_alone():
    simulation = Simulation(lambda i: 0.1, 0.0, steps=50, seconds=90.0, expected=0.1, total=900)
    simulation.run()
    assert simulation.pace.plans == [(0, 900)]


def test_a_recorded_plan_is_followed_before_it_plans_again():
    pace = Pace([(0, 100), (50, 80)])
    settings = {"step_seconds": 1.0, "epoch_seconds": 0.0, "seconds": 1000.0, "now": iter(range(1000)).__next__}
    pacer = Pacer(pace, 10, until=1000.0, **settings)
    assert not any(pacer.after(step) for step in range(20, 51))  # taken up at step 20: what was decided at 50 stays
    assert str(pace) == "0:100, 50:80"
    assert any(pacer.after(step) for step in range(51, 70))
