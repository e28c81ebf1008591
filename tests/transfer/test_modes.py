"""Frozen means frozen: parameters and buffers, bit by bit, in every model."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ravine.models import MODELS
from ravine.optimization import AdamW, Stepper, Stretch
from ravine.population import Population
from ravine.transfer import blocks, set_modes, spans, unfreezing

Norm = nn.modules.batchnorm._NormBase
Y = torch.arange(8) % 5


def trained(model, images, progresses, *, dropout=False, **flags):
    """A few steps as the trainer takes them; returns the row, the plan, and all tensors before."""
    population, row = Population(lambda k: model, 1), blocks(model)
    plan = unfreezing([block.name for block in row], **flags)
    norms = {s.name for s in population.layout if isinstance(model.get_submodule(s.name.rpartition(".")[0]), Norm)}
    stepper = Stepper(AdamW, layout=population.layout, lr=0.01, decay=0.1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for step, progress in enumerate(progresses):
        population.train(False)
        population.train(True)
        set_modes(model, row, plan, progress)
        population.grads.zero_()
        F.cross_entropy(model(images), Y).backward()
        stepper.stretches = [
            Stretch(start, stop, factor, step - sum(earlier < since for earlier in progresses))
            for start, stop, factor, since in spans(plan, row, population.layout, progress, norms)
        ]
        stepper.step(population.weights, population.grads, 1.0)
    return row, plan, before


def moved(model, names, before):
    """Which of these are not bit for bit what they were."""
    now = model.state_dict()
    return {name for name in names if not torch.equal(now[name], before[name])}


@pytest.mark.parametrize(
    "flags", [{"freeze": "all but head"}, {"freeze": "first 2", "unfreeze_at": 0}, {"gradual": True}]
)
def test_what_is_frozen_is_bit_equal_and_what_is_not_moves(every_model, images, flags):
    model = every_model
    row, plan, before = trained(model, images, [0.1, 0.29, 0.31, 0.32], **flags)
    for i, block in enumerate(row):
        everything = {*block.parameters, *block.buffers}
        expected = everything if plan.trained(i, 0.32) else set()
        assert moved(model, everything, before) == expected, block.name


def of_norms(model, names):
    return {name for name in names if isinstance(model.get_submodule(name.rpartition(".")[0]), Norm)}


@pytest.mark.parametrize("bn", ["auto", "frozen", "stats", "train"])
def test_what_moves_under_each_meaning_of_bn(model, images, bn):
    row, _, before = trained(model, images, [0.1, 0.2], freeze=blocks(model)[0].name, unfreeze_at=0, bn=bn)
    frozen, other = row[0], row[-2]
    assert moved(model, frozen.parameters, before) == (of_norms(model, frozen.parameters) if bn == "train" else set())
    assert moved(model, frozen.buffers, before) == (set(frozen.buffers) if bn in ("stats", "train") else set())
    assert moved(model, other.parameters, before) == set(other.parameters)
    assert moved(model, other.buffers, before) == (set() if bn == "frozen" else set(other.buffers))


def test_dropout_in_a_frozen_block_drops_nothing():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Sequential(nn.Linear(6, 6), nn.Dropout()), nn.Sequential(nn.Linear(6, 6), nn.Dropout()), nn.Linear(6, 2)
    )
    row, x = blocks(model), torch.randn(4, 6)
    plan = unfreezing([block.name for block in row], freeze="0", unfreeze_at=0)
    set_modes(model.train(), row, plan, 0.5)
    assert torch.equal(model[0](x), model[0](x))
    assert not torch.equal(model[1](x), model[1](x))


def test_gradients_are_taken_where_something_is_trained(model):
    row = blocks(model)
    model.token = nn.Parameter(torch.zeros(2))
    plan = unfreezing([block.name for block in row])
    for progress, expected in ((0.0, False), (0.5, True), (0.1, False)):
        set_modes(model, row, plan, progress)
        wanted = {name: block.name == "head" or expected for block in row for name in block.parameters}
        assert {n: p.requires_grad for n, p in model.named_parameters() if n != "token"} == wanted
        assert model.token.requires_grad == expected
        modes = {m.training for block in row[:-1] for n in block.modules for m in model.get_submodule(n).modules()}
        assert modes == {expected}
        model.train()


def test_what_is_so_already_is_not_touched(monkeypatch):
    """It comes before every step."""
    model = MODELS["resnet44"]((3, 16, 16), 5, width=4)
    row = blocks(model)
    plan, touched = unfreezing([block.name for block in row]), []
    set_modes(model, row, plan, 0.1)
    monkeypatch.setattr(nn.Module, "__setattr__", lambda *args: touched.append(args))
    set_modes(model, row, plan, 0.1)
    assert touched == []
    set_modes(model, row, plan, 0.9)
    assert touched != []
