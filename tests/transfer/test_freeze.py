"""Frozen blocks in anybody's loop: nothing that the loop does moves them."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ravine.errors import UsageError
from ravine.transfer import blocks, freeze, unfreeze

Y = torch.arange(8) % 5


def tensors(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def moved(model, before):
    return {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


def names(model, *which):
    """Of the parameters and buffers of these blocks."""
    row = blocks(model)
    return {name for i in which for name in (*row[i].parameters, *row[i].buffers)}


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))  # noqa: S301


def through_a_file(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("copied", [lambda model: model, copy.deepcopy, through_pickle, through_a_file])
def test_train_mode_does_not_reach_frozen_statistics(model, images, copied):
    freeze(model)
    model = copied(model)
    before = tensors(model)
    model.train()
    model(images)
    assert moved(model, before) == set()


def test_without_it_they_move(model, images):
    """What the whole thing is for: gradients switched off are not enough."""
    for p in model.parameters():
        p.requires_grad_(False)
    before = tensors(model)
    model.train()
    model(images)
    assert moved(model, before) == {name for name, _ in model.named_buffers()}


OPTIMIZERS = [
    lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1),
    lambda params: torch.optim.Adam(params, lr=0.1, weight_decay=0.1),
    lambda params: torch.optim.AdamW(params, lr=0.1, weight_decay=0.1),
]


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("to_none", [True, False])
def test_an_optimizer_that_has_trained_them_moves_them_no_more(model, images, make, to_none):
    optimizer = make(model.parameters())

    def step():
        optimizer.zero_grad(set_to_none=to_none)
        F.cross_entropy(model.train()(images), Y).backward()
        optimizer.step()

    step()
    freeze(model, "first 1")
    before = tensors(model)
    step()
    step()
    assert moved(model, before) == before.keys() - names(model, 0)
    unfreeze(model)
    before = tensors(model)
    step()
    assert moved(model, before) == before.keys()


@pytest.mark.parametrize("bn", ["auto", "frozen", "stats", "train"])
def test_what_bn_says_of_frozen_and_of_trained_blocks(model, images, bn):
    row = blocks(model)
    freeze(model, row[0].name, bn)
    before = tensors(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    F.cross_entropy(model.train()(images), Y).backward()
    optimizer.step()
    norm = nn.modules.batchnorm._BatchNorm
    gammas = {n for n in row[0].parameters if isinstance(model.get_submodule(n.rpartition(".")[0]), norm)}
    assert gammas
    stay = {"auto": names(model, 0), "train": set(row[0].parameters) - gammas, "stats": set(row[0].parameters)}
    stay["frozen"] = {*row[0].parameters, *(name for block in row for name in block.buffers)}
    assert moved(model, before) == before.keys() - stay[bn]


def test_dropout_in_a_frozen_block_drops_nothing():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Sequential(nn.Linear(6, 6), nn.Dropout()), nn.Linear(6, 2)), torch.randn(4, 6)
    freeze(model)
    model.train()
    assert torch.equal(model(x), model(x))
    unfreeze(model)
    assert not torch.equal(model(x), model(x))


def test_unfreezing_leaves_nothing_of_it(model, images):
    before = {name: module.training for name, module in model.named_modules()}
    freeze(model)
    freeze(model, "first 1")
    assert all(p.requires_grad for p in model.get_submodule(blocks(model)[1].modules[0]).parameters())
    unfreeze(model)
    assert {name: module.training for name, module in model.named_modules()} == before
    assert all(p.requires_grad for p in model.parameters())
    assert not any(module._forward_pre_hooks for module in model.modules())
    model.eval()
    unfreeze(model)
    assert not any(module.training for module in model.modules())


def test_freezing_less_trains_what_was_frozen_before(model, images):
    freeze(model)
    freeze(model, "first 1")
    before = tensors(model)
    F.cross_entropy(model.train()(images), Y).backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert moved(model, before) == before.keys() - names(model, 0)


def test_hooks_of_others_stay(model, images):
    seen = []
    model.get_submodule(blocks(model)[0].modules[0]).register_forward_pre_hook(lambda *_: seen.append(1))
    freeze(model)
    unfreeze(model)
    model(images)
    assert seen == [1]


def test_state_names_are_as_before(model):
    before = list(model.state_dict())
    freeze(model)
    assert list(model.state_dict()) == before


@pytest.mark.parametrize(
    ("which", "bn", "said"),
    [
        ("all", "auto", "the head cannot be frozen"),
        ("layr1", "auto", "there is no block 'layr1'"),
        ("none", "never", "--bn: cannot be 'never'"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(which, bn, said):
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    freeze(model)
    with pytest.raises(UsageError, match=said):
        freeze(model, which, bn)
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True]
