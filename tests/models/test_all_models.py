"""Contracts that every network keeps, listed from MODELS so that a new one cannot forget to join."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

from ravine import draws
from ravine.errors import UsageError
from ravine.models import MODELS, auto, auto_reason
from ravine.spec import Spec, build, parse

SIDES = (8, 16, 28, 32, 48, 64, 96, 128, 160, 224)
SHAPES = [(1 if side in (8, 28) else 3, side, side) for side in SIDES] + [(1, 64, 64), (3, 48, 96), (3, 20, 8)]
DEEPER = {"resnet44", "resnet56", "resnet110"}  # the same code as resnet20 and resnet32
OURS = [name for name in MODELS if name not in DEEPER | {"timm"}]  # timm's networks are tested in tests/timm_door
SMALL = {"mlp": "mlp(hidden=[16])", "convnet": "convnet(width=4)", "resnet": "resnet(width=16)"}
SMALL |= {"quicknet": "quicknet(width=4)"}
SMALL |= {f"resnet{depth}": f"resnet{depth}(width=16)" for depth in (20, 32)}


def network(name: str, in_shape=(3, 16, 16), classes=5, seed=0) -> nn.Module:
    with draws.seeded(seed, 0, "init"):
        return build(parse(SMALL[name]), MODELS, in_shape=in_shape, classes=classes)


def batch(*shape: int, seed=0) -> torch.Tensor:
    return torch.randn(*shape, generator=draws.generator(seed, 0, "batch"))


def test_the_small_settings_cover_all_models():
    assert SMALL.keys() == set(OURS)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("in_shape", SHAPES, ids=str)
def test_a_batch_of_two_gives_logits_and_gradients(name, in_shape):
    model = network(name, in_shape, classes=7)
    x = batch(2, *in_shape)
    if len(in_shape) == 3:
        x = x.to(memory_format=torch.channels_last)
    logits = model(x)
    assert logits.shape == (2, 7)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert all(b.isfinite().all() for b in model.buffers())


@pytest.mark.parametrize("name", OURS)
def test_equal_seeds_give_equal_weights_and_others_do_not(name):
    first, again, other = (torch.cat([p.flatten() for p in network(name, seed=s).parameters()]) for s in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", OURS)
def test_vmap_in_train_mode_equals_the_loop_with_gradients_and_statistics(name):
    members = [network(name, seed=k).double().train() for k in range(3)]
    x = batch(3, 6, 3, 16, 16).double()
    weights, buffers = stack_module_state(members)
    template = copy.deepcopy(members[0])
    logits = vmap(lambda w, b, x: functional_call(template, (w, b), (x,)))(weights, buffers, x)
    logits.square().sum().backward()
    for k, member in enumerate(members):
        own = member(x[k])
        own.square().sum().backward()
        torch.testing.assert_close(logits[k], own, rtol=0, atol=1e-5)
        for key, p in member.named_parameters():
            torch.testing.assert_close(weights[key].grad[k], p.grad, rtol=1e-5, atol=1e-5)
        for key, b in member.named_buffers():
            torch.testing.assert_close(buffers[key][k], b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", OURS)
def test_in_eval_mode_an_image_is_scored_alike_alone_and_in_company(name):
    model, x = network(name).double(), batch(5, 3, 16, 16).double()
    model(x)  # moves the running statistics off 0 and 1
    model.eval()
    torch.testing.assert_close(model(x)[2:3], model(x[2:3]), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", OURS)
def test_thirty_sgd_steps_learn_a_tiny_set(name):
    model, x = network(name, in_shape=(1, 8, 8), classes=2), batch(16, 1, 8, 8)
    y = torch.arange(16) % 2
    losses = []
    for _ in range(30):
        loss = nn.functional.cross_entropy(model(x), y)
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.1 * p.grad
                p.grad = None
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", OURS)
def test_the_first_loss_is_near_that_of_guessing(name):
    model, x = network(name, classes=10), batch(64, 3, 16, 16)
    loss = nn.functional.cross_entropy(model(x), torch.arange(64) % 10).item()
    assert abs(loss - torch.tensor(10.0).log().item()) < 0.7


@pytest.mark.parametrize(
    ("text", "in_shape", "words"),
    [
        ("convnet(width=0)", (3, 32, 32), ("width=0", "4 to 512")),
        ("mlp(hidden=[True])", (64,), ("hidden=True", "whole number")),
        ("convnet(width=8.5)", (3, 32, 32), ("width=8.5", "whole number")),
        ("convnet", (64,), ("(64,)", "mlp")),
        ("convnet", (3, 2, 2), ("2x2", "4 or more")),
        ("convnet", (3, 4, 400), ("4x400", "shorter side")),
        ("resnet(depth=20)", (3, 32, 32), ("depth=20", "18 or 34")),
        ("resnet(width=0)", (3, 32, 32), ("width=0", "16 to 1024")),
        ("resnet", (64,), ("(64,)", "mlp")),
        ("resnet", (3, 7, 9), ("7x9", "8 or more")),
        ("mlp(hidden=[16, 0])", (64,), ("hidden=0", "1 to 65536")),
        ("mlp(hidden=16)", (64,), ("hidden=16", "[256, 256]")),
    ],
)
def test_what_cannot_be_is_refused_by_name(text, in_shape, words):
    with pytest.raises(UsageError) as refusal:
        build(parse(text), MODELS, in_shape=in_shape, classes=10)
    assert all(word in str(refusal.value) for word in words)


def test_auto_takes_mlp_for_features_and_convnet_for_images():
    assert auto((64,)) == Spec("mlp")
    assert auto((1, 8, 8)) == Spec("convnet")
    assert "pixels" in auto_reason((1, 8, 8))
    assert "feature" in auto_reason((64,))
    for in_shape in [(64,), (1, 8, 8), (3, 224, 224)]:
        build(auto(in_shape), MODELS, in_shape=in_shape, classes=2)
