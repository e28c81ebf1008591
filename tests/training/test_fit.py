"""The loop on a problem small enough to see through: it equals a bare PyTorch loop, stops and goes on exactly."""

import math
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ravine import draws
from ravine.errors import NonFiniteLossError
from ravine.optimization import SGD, Adam, Momentum, Stepper, clip_by_norm, one_cycle
from ravine.population import Population, forward
from ravine.training.criterion import cross_entropy
from ravine.training.fit import Position, fit
from ravine.training.pace import Pace

STEPS, B = 4, 6


def make(k):
    with draws.seeded(7, k, "init"):
        return nn.Sequential(
            nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2)
        )


class Batches:
    steps = STEPS

    def __init__(self, members=1, poison=None, soft=False):
        self.members, self.poison, self.soft = members, poison, soft

    def epoch(self, number, first=0):
        for step in range(first, self.steps):
            parts = []
            for k in range(self.members):
                generator = draws.generator(0, k, "batch", number, step)
                parts.append(torch.randn(B, 3, generator=generator))
            x = torch.stack(parts)
            if (number, step) == self.poison:
                x = x * math.inf
            y = (x.sum(2) > 0).long()
            yield x, F.one_hot(y, 2).float() if self.soft else y


class Task:
    """All that `fit` needs, ready to be entered at any position."""

    def __init__(self, members=1, rule=Adam, epochs=3, poison=None, way=None):
        self.population = Population(make, members)
        self.run = forward(self.population, way or ("direct" if members == 1 else "loop"))
        self.stepper = Stepper(rule, lr=0.05)
        self.position = Position(torch.zeros(4, members, dtype=torch.float64))
        self.batches, self.pace = Batches(members, poison), Pace([(0, epochs * STEPS)])

    def memory(self):
        return [value for value in self.stepper.state.values() if isinstance(value, torch.Tensor)]

    def fit(self, on_step=None, clip=1.0, **pieces):
        return fit(
            self.population,
            self.run,
            self.batches,
            criterion=cross_entropy(),
            update=self.stepper.step,
            clip=lambda grads: clip_by_norm(grads, clip),
            schedule=one_cycle(),
            pace=self.pace,
            validate=lambda: self.population.members[0].training,
            position=self.position,
            seed=11,
            on_step=on_step,
            **{"memory": self.memory, **pieces},
        )


def test_equals_a_bare_pytorch_loop():
    task = Task()
    records = list(task.fit())
    model, schedule = make(0), one_cycle()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for number in range(3):
        seen, total = 0, 0.0
        for step, (x, y) in enumerate(Batches().epoch(number)):
            optimizer.param_groups[0]["lr"] = 0.05 * schedule((number + step / STEPS) / 3)
            torch.manual_seed(draws.number(11, 0, "forward", number, step))
            loss = F.cross_entropy(model(x[0]), y[0])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            seen, total = seen + B, total + loss.item() * B
        assert records[number].loss[0] == pytest.approx(total / seen, rel=1e-5)
        assert records[number].examples == seen
    trained = torch.cat([p.flatten() for p in model.parameters()])
    torch.testing.assert_close(task.population.weights[0], trained, rtol=1e-4, atol=1e-6)
    assert [record.validation for record in records] == [False] * 3, "validation is in eval mode"


def everything(task):
    state = {**task.population.state(), "sums": task.position.sums}
    state |= {name: value for name, value in task.stepper.state.items() if isinstance(value, torch.Tensor)}
    return {name: tensor.clone() for name, tensor in state.items()}


class Stop(Exception):
    pass


@pytest.mark.parametrize("rule", [Adam, Momentum])
@pytest.mark.parametrize("stop_at", [1, STEPS, STEPS + 1, 2 * STEPS + 2, 3 * STEPS])
def test_stopped_at_any_step_and_gone_on_is_bit_identical(rule, stop_at):
    whole = Task(members=2, rule=rule)
    records = list(whole.fit())

    first = Task(members=2, rule=rule)
    count = iter(range(1, 1000))

    def on_step(_):
        if next(count) == stop_at:
            raise Stop

    before = []
    with pytest.raises(Stop):
        before.extend(iter(first.fit(on_step)))
    second = Task(members=2, rule=rule)
    second.population.load({name: tensor.clone() for name, tensor in first.population.state().items()})
    second.stepper.state = {n: v.clone() if isinstance(v, torch.Tensor) else v for n, v in first.stepper.state.items()}
    second.position = Position(
        first.position.sums.clone(), first.position.epoch, first.position.step, first.position.seen
    )
    after = list(second.fit())
    for name, tensor in everything(whole).items():
        assert torch.equal(tensor, everything(second)[name]), name
    assert [r.loss for r in before + after][-len(after) :] == [r.loss for r in records][-len(after) :]
    assert [r.norm for r in after] == [r.norm for r in records][-len(after) :]


def test_a_member_in_a_population_draws_as_if_alone():
    both, alone = Task(members=2), Task(members=1)
    list(both.fit())
    list(alone.fit())
    assert torch.equal(both.population.weights[0], alone.population.weights[0])


def test_the_callers_generator_stays_untouched():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(Task().fit())
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("poison", [(0, 0), (1, 2)])
def test_a_loss_that_is_not_finite_changes_nothing(poison):
    task, kept = Task(poison=poison), {}

    def on_step(_):
        kept.update(everything(task))

    with pytest.raises(NonFiniteLossError, match=f"epoch {poison[0] + 1}, step {poison[1] + 1}"):
        list(task.fit(on_step))
    for name, tensor in kept.items():
        assert torch.equal(tensor, everything(task)[name]), name
    assert all(tensor.isfinite().all() for tensor in everything(task).values())
    assert (task.position.epoch, task.position.step) == poison


def test_the_rate_follows_progress():
    factors = []
    task = Task()
    task.stepper.step = lambda weights, grads, factor: factors.append(factor)
    list(task.fit())
    assert factors == [one_cycle()(i / (3 * STEPS)) for i in range(3 * STEPS)]


def test_an_ascent_takes_the_gradient_elsewhere_and_the_statistics_here():
    """One step of plain SGD: the weights move by the gradient at the displaced weights, from where they were."""
    steps = {}
    for name in ("here", "there"):
        task = Task(rule=SGD, epochs=1)
        before = task.population.weights.clone()
        moved = []

        @contextmanager
        def ascend(weights, grads, moved=moved):
            moved.append(grads.clone())
            kept = weights.clone()
            weights.add_(0.5)
            yield
            weights.copy_(kept)

        def on_step(_):
            raise Stop

        with pytest.raises(Stop):
            list(task.fit(on_step, ascend=ascend if name == "there" else None, clip=math.inf))
        steps[name] = (task.population.weights - before, {n: b.clone() for n, b in task.population.buffers.items()})
    assert len(moved) == 1
    torch.testing.assert_close(steps["here"][0], -0.05 * one_cycle()(0) * moved[0])
    assert not torch.allclose(steps["there"][0], steps["here"][0])
    for name, buffer in steps["here"][1].items():
        assert torch.equal(buffer, steps["there"][1][name]), name


def l2(weights, grads, strength=0.5):
    """A penalty in one line a formula."""
    grads += strength * weights
    return strength / 2 * weights.square().sum(1)


def first_step(**pieces):
    """Weights before the first step of plain SGD without clipping, and by what gradient it moved them."""
    task = Task(members=2, rule=SGD, epochs=1)
    before = task.population.weights.clone()

    def on_step(_):
        raise Stop

    with pytest.raises(Stop):
        list(task.fit(on_step, clip=math.inf, **pieces))
    return before, (before - task.population.weights) / (0.05 * one_cycle()(0)), task


def test_a_penalty_joins_the_gradient_and_stands_beside_the_loss():
    before, data_gradient, plain = first_step()
    _, gradient, task = first_step(penalty=l2)
    torch.testing.assert_close(gradient, data_gradient + 0.5 * before, rtol=1e-3, atol=1e-3)
    assert torch.equal(task.position.sums[:2], plain.position.sums[:2]), "loss and accuracy are those of the data"
    whole = torch.linalg.vector_norm(gradient, dim=1)
    torch.testing.assert_close(task.position.sums[2] / B, whole.double(), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(task.position.sums[3] / B, (0.25 * before.square().sum(1)).double())


def test_the_epochs_penalty_is_its_mean_over_the_steps():
    task, seen = Task(members=2), []

    def penalty(weights, grads):
        seen.append(l2(weights, grads))
        return seen[-1]

    records = list(task.fit(penalty=penalty))
    for number, record in enumerate(records):
        mean = torch.stack(seen[number * STEPS : (number + 1) * STEPS]).mean(0)
        assert record.penalty == pytest.approx(mean.tolist())
    assert all(record.penalty is None for record in Task().fit())


def test_clipping_sees_the_whole_gradient():
    task = Task(rule=SGD, epochs=1)
    before = task.population.weights.clone()

    def on_step(_):
        raise Stop

    with pytest.raises(Stop):
        list(task.fit(on_step, clip=0.1, penalty=lambda w, g: l2(w, g, 1e3)))
    length = float((before - task.population.weights).norm()) / (0.05 * one_cycle()(0))
    assert length == pytest.approx(0.1, rel=1e-3)


def test_an_ascent_takes_the_penalty_along():
    """SAM seeks the worst point of the sum of loss and penalty, and descends the gradient of both there."""
    calls, arrived = [], []

    def penalty(weights, grads):
        calls.append(weights.clone())
        return l2(weights, grads)

    @contextmanager
    def ascend(weights, grads):
        arrived.append(grads.clone())
        kept = weights.clone()
        weights.add_(0.5)
        yield
        weights.copy_(kept)

    before, gradient, task = first_step(penalty=penalty, ascend=ascend)
    _, plain, _ = first_step(ascend=ascend)
    torch.testing.assert_close(arrived[0] - arrived[1], 0.5 * before, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(gradient - plain, 0.5 * (before + 0.5), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(torch.stack(calls), torch.stack([before, before + 0.5]))
    shown = (0.25 * before.square().sum(1)).double()
    torch.testing.assert_close(task.position.sums[3] / B, shown, msg="the penalty of the weights themselves is shown")


def test_noise_on_the_weights_is_for_the_datas_gradient_alone():
    at = []

    @contextmanager
    def perturb(epoch, step):
        at.append((epoch, step))
        weights = task.population.weights
        kept = weights.clone()
        weights.add_(0.25)
        yield
        weights.copy_(kept)

    def penalty(weights, grads):
        assert torch.equal(weights, before)
        return l2(weights, grads)

    task = Task(rule=SGD, epochs=1)
    before = task.population.weights.clone()

    def on_step(_):
        raise Stop

    with pytest.raises(Stop):
        list(task.fit(on_step, clip=math.inf, perturb=perturb, penalty=penalty))
    moved = (before - task.population.weights) / (0.05 * one_cycle()(0)) - 0.5 * before
    other = Task(rule=SGD, epochs=1)
    other.population.weights.add_(0.25)
    displaced = other.population.weights.clone()
    with pytest.raises(Stop):
        list(other.fit(on_step, clip=math.inf))
    expected = (displaced - other.population.weights) / (0.05 * one_cycle()(0))
    torch.testing.assert_close(moved, expected, rtol=1e-3, atol=2e-3)
    list(task.fit(perturb=perturb, penalty=lambda weights, grads: weights.sum(1)))
    assert at == [(0, step) for step in range(STEPS)], "each step has its own"


def test_a_penalty_that_is_not_finite_changes_nothing():
    task = Task()
    before = everything(task)
    with pytest.raises(NonFiniteLossError, match="epoch 1, step 1"):
        list(task.fit(penalty=lambda weights, grads: torch.tensor([math.inf])))
    for name, tensor in before.items():
        assert torch.equal(tensor, everything(task)[name]), name


def test_soft_targets_are_learned_from_and_counted_by_their_likeliest_class():
    hard, soft = Task(members=2), Task(members=2)
    soft.batches.soft = True
    for a, b in zip(hard.fit(), soft.fit(), strict=True):
        assert a.accuracy == b.accuracy
        assert a.loss == pytest.approx(b.loss)
    torch.testing.assert_close(hard.population.weights, soft.population.weights)


class OnePoisoned(Batches):
    """Member 1 of several meets an infinite number at one step."""

    def epoch(self, number, first=0):
        for step, (x, y) in enumerate(super().epoch(number, first), first):
            if (number, step) == (1, 2):
                x[1] = math.inf
            yield x, y


def test_a_lost_member_of_several_is_frozen_and_reported_once():
    task, told, kept = Task(members=3, rule=Momentum), [], {}
    task.batches = OnePoisoned(3)

    def on_step(position):
        if not position.frozen:
            kept.update({name: tensor[1].clone() for name, tensor in everything(task).items() if name != "sums"})

    records = list(task.fit(on_step, on_freeze=told.append))
    assert [str(frozen) for frozen in told] == ["member 1 froze at epoch 2, step 3: loss nan"]
    assert task.position.frozen == told
    for name, tensor in kept.items():
        assert torch.equal(everything(task)[name][1], tensor), name
    assert [math.isnan(record.loss[1]) for record in records] == [False, True, True]
    assert all(math.isfinite(record.loss[k]) for record in records for k in (0, 2))


def test_the_others_are_bit_by_bit_those_without_it():
    """Who draws as whom is said by the identities; members 0 and 2 without member 1 are the same two."""

    class Two(Batches):
        def epoch(self, number, first=0):
            for x, y in Batches(3).epoch(number, first):
                yield x[[0, 2]], y[[0, 2]]

    three, two = Task(members=3), Task(members=2)
    three.batches, two.batches = OnePoisoned(3), Two(2)
    two.population.load({name: t[[0, 2]].clone() for name, t in three.population.state().items()})
    list(three.fit())
    list(two.fit(identities=[0, 2]))
    for name, tensor in everything(two).items():
        at = 1 if name == "sums" else 0
        assert torch.equal(everything(three)[name].index_select(at, torch.tensor([0, 2])), tensor), name


def test_identities_say_as_whom_a_member_draws():
    plain, swapped = Task(members=2), Task(members=2)
    swapped.population.load({name: t.flip(0).clone() for name, t in plain.population.state().items()})

    class Swapped(Batches):
        def epoch(self, number, first=0):
            for x, y in super().epoch(number, first):
                yield x.flip(0), y.flip(0)

    swapped.batches = Swapped(2)
    list(plain.fit())
    list(swapped.fit(identities=[1, 0]))
    assert torch.equal(plain.population.weights, swapped.population.weights.flip(0))
