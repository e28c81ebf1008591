"""Each rule equals torch.optim where torch has it; by hand or by its property where not."""

import pytest
import torch

from ravine.optimization import RULES, SGD, AdaGrad, Adam, Adamax, AdamW, Lion, Momentum, Muon, NAdam, RMSProp, Stepper
from ravine.optimization.muon import orthogonal

pytestmark = pytest.mark.usefixtures("double_precision")
TWINS = [
    (SGD, {"lr": 0.1}, torch.optim.SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "decay": 0.01}, torch.optim.SGD, {"lr": 0.1, "weight_decay": 0.01}),
    (Momentum, {"lr": 0.1, "rho": 0.9}, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (
        Momentum,
        {"lr": 0.1, "rho": 0.8, "nesterov": True},
        torch.optim.SGD,
        {"lr": 0.1, "momentum": 0.8, "nesterov": True},
    ),
    (AdaGrad, {"lr": 0.1}, torch.optim.Adagrad, {"lr": 0.1}),
    (RMSProp, {"lr": 0.01, "beta": 0.9}, torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9}),
    (Adam, {"lr": 3e-3}, torch.optim.Adam, {"lr": 3e-3}),
    (
        Adam,
        {"lr": 0.01, "beta1": 0.8, "beta2": 0.99, "eps": 1e-4},
        torch.optim.Adam,
        {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-4},
    ),
    (AdamW, {"lr": 0.01, "decay": 0.1}, torch.optim.AdamW, {"lr": 0.01, "weight_decay": 0.1}),
    (Adamax, {"lr": 0.01}, torch.optim.Adamax, {"lr": 0.01}),
    (NAdam, {"lr": 0.01, "psi": 0.01}, torch.optim.NAdam, {"lr": 0.01, "momentum_decay": 0.01}),
    (Muon, {"lr": 0.01, "scale": "original", "precision": "weights"}, torch.optim.Muon, {"lr": 0.01}),
    (
        Muon,
        {"lr": 0.01, "nesterov": False, "decay": 0.0, "precision": "weights"},
        torch.optim.Muon,
        {"lr": 0.01, "nesterov": False, "weight_decay": 0.0, "adjust_lr_fn": "match_rms_adamw"},
    ),
]


@pytest.mark.parametrize("shape", [(7, 5), (5, 7)])
@pytest.mark.parametrize(("ours", "a", "theirs", "b"), TWINS)
def test_equals_torch_optim_over_200_steps_with_a_save_half_way(ours, a, theirs, b, shape, monkeypatch, gradients):
    # torch's Muon orthogonalises in bfloat16, where the order of a sum shows; here it stays in double precision
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    w1 = torch.ones(shape, requires_grad=True)
    w2 = w1.detach().clone().requires_grad_()
    rule, twin = ours([w1], **a), theirs([w2], **b)
    for i, g in enumerate(gradients(200, shape)):
        if i == 100:
            saved = rule.state_dict()
            rule = ours([w1], **a)
            rule.load_state_dict(saved)
        w1.grad, w2.grad = g.clone(), g.clone()
        rule.step()
        twin.step()
        assert torch.equal(w1.grad, g), "the gradient belongs to the caller"
        torch.testing.assert_close(w1, w2, rtol=1e-12, atol=1e-13)


def test_every_rule_that_torch_has_is_compared():
    assert {ours for ours, *_ in TWINS} == set(RULES.values()) - {Lion}


def test_momentums_decay_is_decoupled_and_torchs_is_not():
    w1, w2 = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    rule, twin = Momentum([w1], lr=0.1, decay=0.5), torch.optim.SGD([w2], lr=0.1, momentum=0.9, weight_decay=0.5)
    for step in range(2):
        w1.grad, w2.grad = torch.zeros(3), torch.zeros(3)
        rule.step()
        twin.step()
        assert torch.allclose(w1, torch.full((3,), 0.95 ** (step + 1))), "the velocity stays out of it"
    assert not torch.allclose(w1, w2)


def test_lion_by_hand():
    w = torch.tensor([[1.0, 1.0]])
    stepper = Stepper(Lion, lr=0.1, beta1=0.5, beta2=0.75, decay=0.2)
    stepper.step(w, torch.tensor([[2.0, -8.0]]), 1.0)  # w(1 - 0.02) - 0.1 sign(g); m = g / 4
    torch.testing.assert_close(w, torch.tensor([[0.88, 1.08]]))
    # m = 0.5, -2: at beta1 = 0.5 a gradient against it wins, at beta2's 0.75 it would not
    stepper.step(w, torch.tensor([[-0.7, 2.8]]), 1.0)
    torch.testing.assert_close(w, torch.tensor([[0.88 * 0.98 + 0.1, 1.08 * 0.98 - 0.1]]))


def test_muon_in_bfloat16_is_torchs_to_its_precision(gradients):
    w1, w2 = torch.ones(20, 30, requires_grad=True), torch.ones(20, 30, requires_grad=True)
    rule, twin = Muon([w1], lr=1.0, scale="original"), torch.optim.Muon([w2], lr=1.0)
    for g in gradients(5, (20, 30)):
        w1.grad, w2.grad = g.clone(), g.clone()
        rule.step()
        twin.step()
    torch.testing.assert_close(w1, w2, rtol=0, atol=0.03)


def test_muons_matrices_become_orthogonal():
    generator = torch.Generator().manual_seed(0)
    for shape in ((3, 6, 20), (3, 20, 6)):
        matrices = torch.randn(shape, generator=generator)
        U, _, Vh = torch.linalg.svd(matrices, full_matrices=False)
        S = torch.linalg.svdvals(orthogonal(matrices))
        assert (S > 0.6).all()
        assert (S < 1.25).all()
        cosine = torch.nn.functional.cosine_similarity(orthogonal(matrices).flatten(1), (U @ Vh).flatten(1))
        assert (cosine > 0.97).all()


def test_muon_moves_vectors_as_adam_does(gradients):
    w1, w2 = torch.ones(1, 10), torch.ones(1, 10)
    everything = [type("Whole", (), {"start": 0, "stop": 10, "shape": (10,)})]
    muon, adam = Stepper(Muon, lr=0.01, decay=0.0, layout=everything), Stepper(Adam, lr=0.01)
    for g in gradients(5, (1, 10)):
        muon.step(w1, g, 1.0)
        adam.step(w2, g, 1.0)
    assert torch.equal(w1, w2)
