"""The table that is printed before a training says what the training does."""

import pytest
import torch
from torch import nn

from ravine.optimization import cosine
from ravine.population import Population
from ravine.transfer import blocks, table, unfreezing


def network():
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6))
    return nn.Sequential(layer, nn.Sequential(nn.Linear(6, 6), nn.ReLU()), nn.Linear(6, 3))


def lines(schedule, epochs=10, **flags):
    model = network()
    row = blocks(model)
    plan = unfreezing([block.name for block in row], **flags)
    return table(plan, row, 0.1, schedule, epochs, Population(lambda k: model, 1).layout)


def test_by_hand():
    first, second, head = lines(lambda p: 1.0, bn="stats", layer_decay=0.5)
    assert [line.name for line in (first, second, head)] == ["0", "1", "head"]
    assert [line.parameters for line in (first, second, head)] == [30 + 12, 42, 21]
    assert [cell.epochs for cell in first.cells] == [(0.0, 3.0), (3.0, 10.0)]
    assert [(c.trained, c.rate, c.norm) for c in first.cells] == [(False, 0.0, "follows"), (True, 0.025, "trained")]
    assert [(c.trained, c.rate, c.norm) for c in second.cells] == [(False, 0.0, ""), (True, 0.05, "")]
    assert [(c.trained, c.rate) for c in head.cells] == [(True, 0.1), (True, 0.1)]
    assert [[c.norm_rate for c in line.cells] for line in (first, second, head)] == [[0.0, 0.025], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("bn", "norms", "rates"),
    [
        ("auto", ("kept", "trained"), (0.0, 0.025)),
        ("frozen", ("kept", "kept"), (0.0, 0.025)),
        ("train", ("trained", "trained"), (0.025, 0.025)),
    ],
)
def test_what_norms_learn_apart_from_their_statistics(bn, norms, rates):
    first, *_ = lines(lambda p: 1.0, bn=bn, layer_decay=0.5)
    assert tuple(cell.norm for cell in first.cells) == norms
    assert tuple(cell.norm_rate for cell in first.cells) == rates


def test_the_rate_is_the_highest_in_the_phase():
    _, second, head = lines(cosine(), layer_decay=1.0)
    assert head.cells[0].rate == 0.1
    assert head.cells[1].rate == pytest.approx(0.1 * cosine()(0.3))
    # after its ramp of 0.05
    assert second.cells[1].rate == pytest.approx(0.1 * cosine()(0.35), rel=0.01)


def test_a_phase_for_each_block_that_is_unfrozen():
    for line in lines(lambda p: 1.0, gradual=True):
        assert [edge for cell in line.cells for edge in cell.epochs] == pytest.approx([0, 3, 3, 4.75, 4.75, 10])
