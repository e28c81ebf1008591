"""Pieces put into networks that are built already: at the right place, and without touching a parameter."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from ravine import draws
from ravine.errors import UsageError
from ravine.models import MODELS
from ravine.population import Population, forward
from ravine.regularization import INSERTIONS, DropConnect, Dropout, StochasticDepth, after, before, insert, on_weight
from ravine.regularization.noise import Noise
from ravine.spec import build, parse

SMALL = {"mlp": "mlp(hidden=[16])", "convnet": "convnet(width=4)", "resnet": "resnet(width=16)"}
SMALL |= {"resnet20": "resnet20(width=4)", "quicknet": "quicknet(width=4)"}
DEEPER = {"resnet32", "resnet44", "resnet56", "resnet110"}  # the same code as resnet20
OURS = [name for name in MODELS if name not in DEEPER | {"timm"}]  # timm's networks are tested in tests/timm_door
SETTING = {"norm_momentum": "norm_momentum(0.3)"}
NOWHERE = {("mlp", "spatial_dropout"), ("mlp", "stochastic_depth"), ("quicknet", "stochastic_depth")}
PLACED = [(model, piece) for model in OURS for piece in INSERTIONS if (model, piece) not in NOWHERE]
ALL = "dropout(0.3), gaussian_dropout(0.1), spatial_dropout(0.2), dropconnect(0.4), stochastic_depth(0.5)"


def network(name, pieces="", seed=0):
    with draws.seeded(seed, 0, "init"):
        model = build(parse(SMALL[name]), MODELS, in_shape=(3, 16, 16), classes=5)
    with torch.no_grad():  # some start at 0, where noise would not show
        for p in model.parameters():
            p += 0.1 * torch.randn(p.shape, generator=draws.generator(seed, 0, "move"))
    insert(model, pieces)
    return model


def batch(*shape, seed=0):
    return torch.randn(*shape, generator=draws.generator(seed, 0, "batch"))


def run(model, x, seed=5):
    with draws.seeded(seed, 0, "forward"):
        return model(x)


@pytest.mark.parametrize(("name", "piece"), PLACED)
def test_names_weights_and_evaluation_stay(name, piece):
    plain, model, x = network(name), network(name, SETTING.get(piece, piece)), batch(8, 3, 16, 16)
    assert list(plain.state_dict()) == list(model.state_dict())
    for (key, p), (other, q) in zip(plain.named_parameters(), model.named_parameters(), strict=True):
        assert key == other
        assert torch.equal(p, q)
    assert torch.equal(run(plain, x), run(model, x)) == (piece == "norm_momentum"), "it acts in training"
    plain.load_state_dict(model.state_dict())
    assert torch.equal(plain.eval()(x), model.eval()(x)), "and not in evaluation"


@pytest.mark.parametrize(("name", "piece"), [pair for pair in PLACED if pair[1] != "norm_momentum"])
def test_a_share_of_0_changes_no_bit(name, piece):
    plain, model, x = network(name), network(name, f"{piece}(0)"), batch(8, 3, 16, 16)
    for network_ in (plain, model):
        run(network_, x).square().sum().backward()
    for p, q in zip(plain.parameters(), model.parameters(), strict=True):
        assert torch.equal(p.grad, q.grad)


@pytest.mark.parametrize(("name", "piece"), PLACED)
def test_a_network_in_evaluation_stays_so(name, piece):
    model = network(name).eval()
    insert(model, piece)
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize(("name", "piece"), sorted(NOWHERE))
def test_a_network_without_the_place_is_refused(name, piece):
    with pytest.raises(UsageError, match=f"regularize '{piece}': the network has no (convolutional stages|residual)"):
        network(name, piece)


@pytest.mark.parametrize("name", ["convnet", "resnet"])
@pytest.mark.parametrize("way", ["loop", "vmap"])
def test_with_all_at_once_members_train_in_every_way(name, way):
    """Loop: bit for bit as alone. vmap: each member draws its own."""
    x = batch(3, 8, 3, 16, 16)
    population = Population(lambda k: network(name, ALL), 3)
    logits = forward(population, way)(x[:1].expand_as(x), lambda k: torch.manual_seed(k))
    logits.square().sum().backward()
    if way == "vmap":
        assert not torch.allclose(logits[0], logits[1])
        assert not torch.allclose(logits[1], logits[2])
        return
    for k in range(3):
        alone = network(name, ALL)
        torch.manual_seed(k)
        own = alone(x[0])
        assert torch.equal(logits[k], own)
        own.square().sum().backward()
        assert torch.equal(population.grads[k], torch.cat([p.grad.flatten() for p in alone.parameters()]))


@pytest.mark.parametrize("name", ["convnet", "resnet"])
def test_copies_and_torch_func_use_their_own(name):
    model, x = network(name, ALL), batch(4, 3, 16, 16)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
    assert torch.equal(run(twin, x), run(network(name, ALL), x)), "a copy does not look at the original"
    members = [network(name, ALL, seed=k).eval() for k in range(2)]
    weights, buffers = stack_module_state(members)
    template = twin.eval()
    logits = vmap(lambda w, b: functional_call(template, (w, b), (x,)))(weights, buffers)
    for k, member in enumerate(members):
        torch.testing.assert_close(logits[k], member(x), rtol=1e-4, atol=1e-5)


def test_torch_compile_does_not_take_it_for_the_network_without():
    """It does where noise is put in by hooks, which it does not look at again."""
    x = batch(4, 3, 16, 16)
    plain, noisy = network("mlp"), network("mlp", "dropout(0.5)")
    expected = run(plain, x), run(noisy, x)
    for model, logits in zip((plain, noisy), expected, strict=True):
        model.compile(backend="eager")
        assert torch.equal(run(model, x), logits)
    assert not torch.equal(*expected)


def silence(model, kind):
    """Every piece of this kind drops everything from now on; how many there are."""
    pieces = [m for m in model.modules() if type(m).__name__ == kind]
    for piece in pieces:
        piece.noise = torch.zeros_like
    return len(pieces)


@pytest.mark.parametrize(("piece", "kind"), [("dropout", "Dropout"), ("gaussian_dropout", "GaussianDropout")])
@pytest.mark.parametrize("name", OURS)
def test_dropout_lies_before_the_head(name, piece, kind):
    model = network(name, piece)
    assert silence(model, kind) == 1
    bias = next(reversed(list(model.children()))).bias  # head, fc or linear
    assert torch.equal(model(batch(4, 3, 16, 16)), bias.expand(4, 5)), "nothing but the head's bias is left"


@pytest.mark.parametrize("name", OURS)
def test_dropconnect_lies_on_the_head(name):
    model = network(name, "dropconnect")
    assert silence(model, "DropConnect") == 1
    bias = next(reversed(list(model.children()))).bias  # head, fc or linear
    assert torch.equal(model(batch(4, 3, 16, 16)), bias.expand(4, 5))


@pytest.mark.parametrize(("name", "stages"), [("convnet", 3), ("resnet", 4)])
def test_spatial_dropout_lies_after_each_stage(name, stages):
    model, outputs = network(name, "spatial_dropout"), []
    assert silence(model, "SpatialDropout") == stages
    for key, child in model.named_children():
        if key[:-1] in ("stage", "layer"):
            child.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    model(batch(4, 3, 16, 16))
    assert len(outputs) == stages
    assert not any(output.any() for output in outputs)


@pytest.mark.parametrize(("name", "blocks"), [("convnet", 3), ("resnet", 8)])
def test_stochastic_depth_lies_in_the_branches_at_linear_rates(name, blocks):
    model, seen = network(name, "stochastic_depth(0.4)"), []
    rates = [m.p for m in model.modules() if isinstance(m, StochasticDepth)]
    assert rates == pytest.approx([0.4 * (i + 1) / blocks for i in range(blocks)])
    assert silence(model, "StochasticDepth") == blocks
    for module in model.modules():
        if hasattr(module, "drop_path") and getattr(module, "downsample", None) is None:
            module.register_forward_hook(lambda m, inputs, output: seen.append((inputs[0].clone(), output)))
    model(batch(4, 3, 16, 16))
    assert len(seen) == (3 if name == "convnet" else 5)
    assert all(torch.equal(output, x.relu()) for x, output in seen), "the block is its shortcut"


def test_norm_momentum_reaches_every_batch_norm_and_says_what_it_does():
    model = network("convnet", "norm_momentum(0.25)")
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 7
    assert {norm.momentum for norm in norms} == {0.25}
    x = batch(8, 4, 6, 6)
    norms[-1](x.repeat(1, 4, 1, 1))
    torch.testing.assert_close(norms[-1].running_mean, 0.25 * x.repeat(1, 4, 1, 1).mean((0, 2, 3)))


class Block(nn.Module):
    """A residual block in timm's manner; its ResNet has None where its transformers have Identity."""

    def __init__(self, **places):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        for name, place in places.items():
            setattr(self, name, place)

    def forward(self, x):
        drop = getattr(self, "drop_path", None) or getattr(self, "drop_path1", None)
        branch = self.conv(x)
        return x + (branch if drop is None else drop(branch))


class Foreign(nn.Module):
    """A network as other libraries build them."""

    def __init__(self, blocks, head, name="head", stages="stages"):
        super().__init__()
        setattr(self, stages, nn.Sequential(*blocks))
        setattr(self, name, head)
        self.names = (stages, name)

    def forward(self, x):
        stages, head = (getattr(self, name) for name in self.names)
        return head(stages(x).mean((2, 3)))


class Asked(Foreign):
    def get_classifier(self):
        return self.last


FOREIGN = {
    "timm resnet": lambda: Foreign([Block(drop_path=None), Block(drop_path=None)], nn.Linear(4, 2), "fc"),
    "timm efficientnet": lambda: Foreign(
        [nn.Sequential(Block(drop_path=nn.Identity())) for _ in range(2)], nn.Linear(4, 2), "classifier", "blocks"
    ),
    "transformer": lambda: Foreign(
        [Block(drop_path1=nn.Identity(), drop_path2=nn.Identity()) for _ in range(2)], nn.Linear(4, 2)
    ),
    "torchvision": lambda: Foreign(
        [Block(drop_path=nn.Identity()), Block(drop_path=nn.Identity())],
        nn.Sequential(nn.Dropout(0.0), nn.Linear(4, 2)),
        "classifier",
    ),
    "head of two layers": lambda: Foreign(
        [Block(drop_path=None), Block(drop_path=None)], nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    ),
    "get_classifier": lambda: Asked([Block(drop_path=None), Block(drop_path=None)], nn.Linear(4, 2), "last"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_networks_are_served_by_name(name):
    pieces = "dropout(0.5), dropconnect(0.5), spatial_dropout(0.2), stochastic_depth(0.5)"
    x, outputs = batch(6, 4, 5, 5), []
    for text in ("", pieces):
        torch.manual_seed(0)
        model = FOREIGN[name]()
        names = list(model.state_dict())
        insert(model, text)
        assert list(model.state_dict()) == names
        outputs += [run(model, x), run(model.eval(), x)]
    assert not torch.equal(outputs[0], outputs[2])
    assert torch.equal(outputs[1], outputs[3])
    model.train()
    depths = [m.p for m in model.modules() if isinstance(m, StochasticDepth)]
    assert depths == ([0.25, 0.25, 0.5, 0.5] if name == "transformer" else [0.25, 0.5])
    kinds = [type(m).__name__ for m in model.modules() if isinstance(m, Noise)]
    assert [kinds.count(kind) for kind in ("Dropout", "DropConnect", "SpatialDropout")] == [1, 1, 2]
    silence(model, "Dropout")
    head = [m for m in model.modules() if isinstance(m, nn.Linear)][-1]
    assert torch.equal(model(x), head.bias.expand(6, 2))


def test_a_network_of_unknown_build_is_refused():
    stranger = nn.Sequential(nn.Linear(3, 2))
    for piece, missing in [
        ("dropout", "no head"),
        ("dropconnect", "no head"),
        ("spatial_dropout", "no convolutional stages"),
        ("stochastic_depth", "no residual blocks"),
        ("norm_momentum", "no batch norm"),
    ]:
        with pytest.raises(UsageError, match=f"regularize '{piece}': the network has {missing}"):
            insert(stranger, piece)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ("dropuot", "Did you mean 'dropout'"),
        ("dropout(q=1)", "dropout has no setting 'q'"),
        ("dropout(model=1)", "dropout has no setting 'model'"),
        ("dropout(1)", "'dropout\\(1\\)': p cannot be 1"),
        ("stochastic_depth(-0.1)", "p cannot be -0.1"),
        ("norm_momentum(0)", "momentum cannot be 0"),
        ("norm_momentum('slow')", "momentum cannot be 'slow'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(pieces, message):
    with pytest.raises(UsageError, match=message):
        network("convnet", pieces)


@pytest.mark.parametrize("layer", [nn.Identity(), nn.Sequential(nn.Identity())], ids=["layer", "sequence"])
@pytest.mark.parametrize("put", [before, after])
def test_what_passes_does_so_once(layer, put):
    layer, noise = copy.deepcopy(layer), Dropout(0.5)
    noise.noise = lambda x: torch.full_like(x, 3.0)
    if isinstance(layer, nn.Sequential) and put is before:
        with pytest.raises(UsageError, match="before: Sequential"):
            put(layer, noise)
        return
    put(layer, noise)
    assert layer(torch.ones(2)).tolist() == [3.0, 3.0]


def test_several_act_in_their_order():
    layer, order = nn.Linear(2, 2), []
    for name, put in (("first", before), ("last", after), ("second", before), ("weight", on_weight)):
        noise = Dropout(0.5)
        noise.noise = lambda x, name=name: order.append(name) or torch.ones_like(x)
        put(layer, noise)
    x = torch.ones(1, 2)
    expected = x @ layer.weight.T + layer.bias
    torch.testing.assert_close(layer(x), expected)
    assert order == ["first", "second", "weight", "last"]


def test_a_layer_that_computes_in_its_own_way_keeps_it():
    class Cosine(nn.Linear):
        def forward(self, x):
            return x @ self.weight.T / self.weight.norm()

    layer, noise = Cosine(3, 2), DropConnect(0.5)
    noise.noise = lambda w: torch.tensor([[1.0], [0.0]])
    on_weight(layer, noise)
    x, w = torch.ones(1, 3), layer.weight.detach()[0]
    torch.testing.assert_close(layer(x), torch.tensor([[float(w.sum() / w.norm()), 0.0]]))
    layer(x).sum().backward()
    assert isinstance(layer.weight, nn.Parameter)
    assert not layer.weight.grad[1].any()
    with pytest.raises(RuntimeError):
        layer(torch.ones(1, 4))
    assert isinstance(layer.weight, nn.Parameter), "an error inside leaves the weight as it was"


def test_layers_of_ones_own():
    layer, conv = nn.Linear(3, 2), nn.Conv2d(2, 2, 1)
    before(layer, Dropout(0.5))
    after(layer, Dropout(0.5))
    on_weight(conv, DropConnect(0.5))
    assert "noise_before" in repr(layer)
    model = nn.Sequential(conv, nn.Flatten(), nn.Linear(2, 3), layer)
    torch.manual_seed(0)
    zeros = sum(int((model(torch.ones(1, 2, 1, 1)) == 0).sum()) for _ in range(200))
    assert 150 < zeros < 250, "half of 400 outputs"
    model.eval()
    torch.testing.assert_close(model(torch.ones(1, 2, 1, 1)), model(torch.ones(1, 2, 1, 1)))
    with pytest.raises(UsageError, match="on_weight: ReLU has no weight"):
        on_weight(nn.ReLU(), DropConnect(0.5))
