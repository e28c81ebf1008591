"""Names and shapes of weights against a network's: prefixes, the head, what is missing, left or wrong."""

import copy

import pytest
import torch
from torch import nn

from ravine.errors import DataError
from ravine.models import MODELS
from ravine.transfer import aligned, classifier, fitted, load_into

PREFIXES = ["", "module.", "model.", "backbone.", "encoder.", "net.", "_orig_mod.", "module._orig_mod.", "a.b.c."]


def other(network, seed=7):
    """Weights for the same network, all different."""
    generator = torch.Generator().manual_seed(seed)
    state = {n: torch.rand(t.shape, generator=generator) for n, t in network.state_dict().items() if t.dim()}
    return state | {name: torch.tensor(5) for name, t in network.state_dict().items() if not t.dim()}


def state_of(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def assert_equal(state, expected):
    assert state.keys() == expected.keys()
    for name, tensor in expected.items():
        assert torch.equal(state[name], tensor), name


@pytest.fixture
def small():
    return MODELS["resnet20"]((3, 16, 16), 5, width=4)


def test_all_of_a_network_s_own_weights_are_loaded(every_model):
    state = other(every_model)
    match = load_into(every_model, state)
    assert_equal(state_of(every_model), state)
    assert set(match.loaded) == state.keys()
    assert (match.missing, match.left, dict(match.shapes), dict(match.problems)) == ((), (), {}, {})


@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_stands_before_all_names_is_taken_off(prefix, model):
    state = other(model)
    given, found = aligned({prefix + name: tensor for name, tensor in state.items()}, model)
    assert found == prefix
    assert_equal(given, state)
    load_into(model, {prefix + name: tensor for name, tensor in state.items()})
    assert_equal(state_of(model), state)


def test_of_two_networks_in_a_file_the_one_that_fits_is_taken(small):
    state, larger = other(small), other(MODELS["resnet20"]((3, 16, 16), 5, width=8), seed=1)
    both = {f"teacher.{n}": t for n, t in larger.items()} | {f"student.{n}": t for n, t in state.items()}
    assert aligned(both, small)[1] == "student."
    match = load_into(small, both)
    assert_equal(state_of(small), state)
    assert set(match.left) == {f"teacher.{name}" for name in larger}


def test_of_two_that_fit_equally_the_shorter_prefix_is_taken(small):
    state, average = other(small), other(small, seed=1)
    load_into(small, {f"ema.model.{n}": t for n, t in average.items()} | {f"model.{n}": t for n, t in state.items()})
    assert_equal(state_of(small), state)


def test_a_backbone_without_its_head_keeps_the_network_s_own_head(model):
    before, state, head = state_of(model), other(model), classifier(model)
    bare = {name: tensor for name, tensor in state.items() if not name.startswith(f"{head}.")}
    match = load_into(model, {f"encoder.{name}": tensor for name, tensor in bare.items()})
    assert set(match.missing) == state.keys() - bare.keys()
    assert dict(match.problems) == {}
    assert_equal(state_of(model), {name: bare.get(name, before[name]) for name in state})


def test_a_head_for_other_classes_is_left_as_a_whole(model):
    before, state, head = state_of(model), other(model), classifier(model)
    state[f"{head}.weight"] = torch.ones(9, state[f"{head}.weight"].shape[1])  # its bias of 5 would fit
    match = load_into(model, state)
    own = (f"{head}.weight", f"{head}.bias")
    assert set(match.missing) == set(match.left) == set(own)
    assert match.shapes[own[0]][0][0] == 9
    assert_equal(state_of(model), {name: before[name] if name in own else state[name] for name in state})


def test_batch_norm_s_counters_may_be_missing(small):
    state = {name: tensor for name, tensor in other(small).items() if tensor.dim()}
    match = load_into(small, state)
    assert len(match.missing) == 19
    assert all(name.endswith("num_batches_tracked") for name in match.missing)
    assert small.bn1.num_batches_tracked == 0


@pytest.mark.parametrize("name", ["conv1.weight", "bn1.bias", "layer2.1.bn2.running_var"])
def test_one_missing_or_wrong_tensor_is_named_and_nothing_is_copied(name, small):
    before, state = state_of(small), other(small)
    lost = {n: t for n, t in state.items() if n != name}
    wrong = {**state, name: torch.ones(3, 2)}
    for given, words in ((lost, f"{name} is missing"), (wrong, f"{name} is [3, 2], the network has")):
        with pytest.raises(DataError) as refusal:
            load_into(small, given)
        assert words in str(refusal.value)
        assert f"{len(state) - 1} of {len(state)} tensors fit" in str(refusal.value)
        assert_equal(state_of(small), before)


def test_many_mismatches_are_counted_and_the_first_few_listed(small):
    with pytest.raises(DataError) as refusal:
        load_into(small, other(MODELS["resnet20"]((3, 16, 16), 5, width=8)))
    line = str(refusal.value)
    assert line.count("the network has") == 3
    problems = len(fitted(other(MODELS["resnet20"]((3, 16, 16), 5, width=8)), small).problems)
    assert f"and {problems - 3} more" in line


def test_what_is_skipped_is_not_taken_nor_missed(small):
    before, state = state_of(small), other(small)
    skip = {name for name in state if name.startswith("layer3")}
    match = load_into(small, {name: tensor for name, tensor in state.items() if name not in skip}, skip)
    assert set(match.missing) == skip
    assert_equal(state_of(small), {name: (before if name in skip else state)[name] for name in state})
    match = load_into(small, state, state.keys())
    assert (match.loaded, set(match.left)) == ((), state.keys())


def test_extra_tensors_are_left_and_named(small):
    match = load_into(small, {**other(small), "fc2.weight": torch.ones(2)})
    assert match.left == ("fc2.weight",)


def test_buffers_that_a_state_dict_leaves_out_are_no_gap():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head = nn.Linear(3, 4), nn.Linear(4, 2)
            self.register_buffer("positions", torch.arange(4.0), persistent=False)

        def forward(self, x):
            return self.head(self.body(x) + self.positions)

    one, two = Net(), Net()
    assert fitted(one.state_dict(), two).missing == ()
    load_into(two, one.state_dict())
    x = torch.ones(2, 3)
    assert torch.equal(one(x), two(x))


def test_the_copy_is_the_network_s_own(small):
    state = other(small)
    kept = copy.deepcopy(state)
    load_into(small, state)
    with torch.no_grad():
        small.conv1.weight.add_(1)
    assert_equal(state, kept)
    assert small.conv1.weight.requires_grad
