"""Blocks: everything in exactly one, in the order in which the network runs them."""

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.transfer import blocks, classifier


def names(model):
    return [block.name for block in blocks(model)]


def test_everything_is_in_exactly_one_block(every_model):
    model = every_model
    row = blocks(model)
    assert sorted(n for b in row for n in b.parameters) == sorted(n for n, _ in model.named_parameters())
    assert sorted(n for b in row for n in b.buffers) == sorted(n for n, _ in model.named_buffers())
    assert len({b.name for b in row}) == len(row)


def test_they_run_in_their_order(every_model, images):
    model, row, ran = every_model, blocks(every_model), []
    for i, block in enumerate(row):
        for name in block.modules:
            model.get_submodule(name).register_forward_pre_hook(lambda *_, i=i: ran.append(i))
    model(images)
    assert ran == sorted(ran)
    assert set(ran) == set(range(len(row)))


def test_the_head_gives_the_logits(model, images):
    row, given = blocks(model), []
    model.get_submodule(classifier(model)).register_forward_hook(lambda *inside: given.append(inside[2]))
    assert torch.equal(model(images), given[0])
    assert row[-1].name == "head"
    assert row[-1].parameters == (f"{classifier(model)}.weight", f"{classifier(model)}.bias")


def plain(*more):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), *more, nn.Linear(784, 5))


class Residual(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.inside = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        return x + self.inside(x)


class Scaled(nn.Sequential):
    """A row of blocks that holds a weight itself."""

    def __init__(self, *inside):
        super().__init__(*inside)
        self.scale = nn.Parameter(torch.ones(1))


def test_layers_in_a_row_are_the_stem_and_the_head():
    assert [b.modules for b in blocks(plain())] == [("0", "1", "2", "3"), ("4",)]
    assert names(plain()) == ["stem", "head"]


def test_blocks_in_a_container_are_each_their_own():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(Residual(), Residual()), nn.Flatten(), nn.Linear(784, 5))
    assert names(model) == ["stem", "1.0", "1.1", "head"]
    assert blocks(model)[2].modules == ("1.1", "2"), "what has no weights goes with what is before it"


@pytest.mark.parametrize("inside", [Scaled(Residual(), Residual()), nn.Sequential(Scaled(Residual(), Residual()))])
def test_what_a_container_holds_itself_is_in_a_block(inside):
    test_everything_is_in_exactly_one_block(nn.Sequential(Residual(3), inside, nn.Linear(4, 5)))


def test_what_the_network_holds_itself_is_in_the_first():
    model = plain()
    model.token, model.count = nn.Parameter(torch.zeros(3)), nn.Buffer(torch.zeros(2))
    first = blocks(model)[0]
    assert "token" in first.parameters
    assert "count" in first.buffers
    test_everything_is_in_exactly_one_block(model)


def test_a_shared_weight_is_in_the_first_that_has_it():
    model = nn.Sequential(Residual(), Residual(), nn.Flatten(), nn.Linear(1024, 5))
    model[1].inside.weight = model[0].inside.weight
    test_everything_is_in_exactly_one_block(model)
    assert blocks(model)[1].parameters == ("1.inside.bias",)


@pytest.mark.parametrize("model", [nn.Linear(3, 2), nn.Sequential(nn.Linear(3, 2)), nn.ReLU()])
def test_a_network_of_one_part_is_refused(model):
    with pytest.raises(UsageError, match="the network has no blocks; expected two or more parts"):
        blocks(model)


def test_a_linear_classifier_has_a_stem_without_weights():
    row = blocks(nn.Sequential(nn.Flatten(), nn.Linear(3, 2)))
    assert [(b.name, b.parameters) for b in row] == [("stem", ()), ("head", ("1.weight", "1.bias"))]


def test_a_network_without_a_linear_end_has_no_classifier():
    with pytest.raises(UsageError, match="no head"):
        classifier(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
