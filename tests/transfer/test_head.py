"""A head with a hidden layer in place of a linear one."""

import math

import pytest
import torch
from torch import nn

from ravine.errors import UsageError
from ravine.transfer import blocks, classifier, freeze, put_head

PARTS = ["hidden.weight", "norm.weight", "norm.bias", "out.weight", "out.bias"]


def test_it_takes_the_classifiers_place_and_name(model, images):
    old, row, before = classifier(model), blocks(model), dict(model.named_parameters())
    features = model.get_submodule(old).in_features
    put_head(model, "mlp")
    assert model(images).shape == (8, 5)
    assert classifier(model) == f"{old}.out"
    assert blocks(model)[:-1] == row[:-1]
    assert list(blocks(model)[-1].parameters) == [f"{old}.{part}" for part in PARTS]
    assert model.get_parameter(f"{old}.hidden.weight").shape == (min(features, 512), features)
    for block in row[:-1]:
        assert all(model.get_parameter(name) is before[name] for name in block.parameters)


def test_it_is_its_formula():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4)).double(), torch.randn(7, 3).double()
    put_head(model)
    state = model.state_dict()
    h = (x @ state["0.weight"].T + state["0.bias"]) @ state["1.hidden.weight"].T
    h = (h - h.mean(0)) / (h.var(0, unbiased=False) + 1e-5).sqrt()
    expected = h.clamp_min(0) @ state["1.out.weight"].T + state["1.out.bias"]
    torch.testing.assert_close(model(x), expected)


def test_the_hidden_layer_is_at_most_512_wide():
    model = nn.Sequential(nn.Linear(3, 2048), nn.Linear(2048, 4))
    put_head(model)
    assert model[1].hidden.weight.shape == (512, 2048)
    # He: W ~ N(0, 2 / fan_in)
    assert float(model[1].hidden.weight.detach().std()) == pytest.approx(math.sqrt(2 / 2048), rel=0.01)


def made(kind, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4, bias=False))
    put_head(model, kind)
    return model.state_dict()


def test_its_weights_come_from_torchs_generator():
    one, same, other = made("mlp", 1), made("mlp", 1), made("mlp", 2)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["1.hidden.weight"], other["1.hidden.weight"])
    assert torch.equal(one["0.weight"], made("linear", 1)["0.weight"])
    assert "1.out.bias" not in one


def test_linear_leaves_the_network_and_draws_nothing(model):
    before = model.get_submodule(classifier(model))
    state = torch.get_rng_state()
    put_head(model, "linear")
    assert model.get_submodule(classifier(model)) is before
    assert torch.equal(torch.get_rng_state(), state)


def test_mode_and_number_format_are_the_old_ones():
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4)).to(torch.float64).eval()
    put_head(model)
    assert {p.dtype for p in model.parameters()} == {torch.float64}
    assert not any(module.training for module in model.modules())


def test_it_is_never_frozen(model):
    put_head(model)
    freeze(model, bn="frozen")
    head = model.get_submodule(classifier(model).removesuffix(".out"))
    assert all(p.requires_grad for p in head.parameters())
    assert head.norm.training


@pytest.mark.parametrize(
    ("kind", "said"), [("deep", "--head: cannot be 'deep'"), ("mpl", "Did you mean 'mlp'?"), (None, "cannot be None")]
)
def test_an_unknown_kind_is_refused(kind, said):
    with pytest.raises(UsageError, match=said):
        put_head(nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4)), kind)


def test_a_convolution_as_classifier_is_refused():
    class Net(nn.Sequential):
        pass

    model = Net(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), nn.Conv2d(4, 5, 1))
    with pytest.raises(UsageError, match="the classifier 1 is a Conv2d; expected a linear layer. Use --head linear"):
        put_head(model)


def test_twice_is_refused():
    model = nn.Sequential(nn.Linear(3, 6), nn.Linear(6, 4))
    put_head(model)
    with pytest.raises(UsageError, match="1 has a hidden layer already"):
        put_head(model)
