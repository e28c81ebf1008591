"""The distillation loss, against torch's, against the formula, and its gradient."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ravine.ensembles import distillation_loss, softened, teacher_losses
from ravine.errors import UsageError


def some(seed=0, n=6, classes=4):
    generator = torch.Generator().manual_seed(seed)
    logits, theirs = torch.randn(2, n, classes, generator=generator, dtype=torch.float64) * 2
    labels = torch.randint(classes, (n,), generator=generator)
    return logits.requires_grad_(), theirs, labels


@pytest.mark.parametrize("temperature", [0.5, 1, 2.0, 8.0])
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_equals_torch_s_pieces(temperature, alpha):
    z, t, y = some()
    q = (t / temperature).softmax(1)
    kl = F.kl_div((z / temperature).log_softmax(1), q, reduction="batchmean")
    expected = alpha * temperature**2 * kl + (1 - alpha) * F.cross_entropy(z, y)
    torch.testing.assert_close(distillation_loss(z, t.softmax(1), y, temperature, alpha), expected)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_gradient_is_the_formula_s(temperature):
    """T (softmax(z / T) - q) for each example, and autograd's against finite differences."""
    z, t, y = some()
    teacher_losses(z, t.softmax(1), temperature).sum().backward()
    expected = temperature * ((z / temperature).softmax(1) - (t / temperature).softmax(1))
    torch.testing.assert_close(z.grad, expected.detach())
    assert torch.autograd.gradcheck(lambda z: distillation_loss(z, t.softmax(1), y, temperature, 0.4), z)


def test_at_temperature_1_it_is_the_soft_cross_entropy_less_the_teacher_s_entropy():
    z, t, _ = some()
    p = t.softmax(1)
    entropy = -(p * p.log()).sum(1).mean()
    loss = distillation_loss(z, p, temperature=1, alpha=1)
    torch.testing.assert_close(loss + entropy, F.cross_entropy(z, p))
    (ours,), (theirs,) = (torch.autograd.grad(f, z) for f in (loss, F.cross_entropy(z, p)))
    torch.testing.assert_close(ours, theirs)


def test_high_temperatures_compare_logits():
    """In the limit, (z - mean z - (t - mean t))^2 / (2 classes) (Hinton et al. 2015, section 2.1)."""
    z, t, _ = some()
    difference = (z - z.mean(1, keepdim=True)) - (t - t.mean(1, keepdim=True))
    limit = difference.square().sum(1) / (2 * 4)
    torch.testing.assert_close(teacher_losses(z, t.softmax(1), 1e4), limit, rtol=1e-3, atol=1e-6)


def test_no_loss_where_both_agree_and_none_without_labels():
    z, t, y = some()
    assert float(distillation_loss(t, t.softmax(1), temperature=3)) == pytest.approx(0, abs=1e-12)
    assert torch.equal(distillation_loss(z, t.softmax(1)), distillation_loss(z, t.softmax(1), y, alpha=1))
    assert distillation_loss(z, t.softmax(1), y).shape == ()


def test_zeros_are_no_trouble_and_the_teacher_gets_no_gradient():
    z = torch.zeros(1, 3, requires_grad=True)
    p = torch.tensor([[1.0, 0.0, 0.0]], requires_grad=True)
    distillation_loss(z, p, temperature=4).backward()
    assert z.grad.isfinite().all()
    assert p.grad is None


@pytest.mark.parametrize("temperature", [0.1, 1.0, 2.0, 50.0])
def test_softened(temperature):
    logits = torch.randn(7, 5, generator=torch.Generator().manual_seed(0)) * 30
    expected = (logits.double().softmax(1).log() / temperature).softmax(1).float()
    torch.testing.assert_close(softened(logits.softmax(1), temperature), expected, rtol=1e-3, atol=1e-6)


def test_members_keep_their_axis():
    z = torch.randn(3, 6, 4)
    p = torch.randn(3, 6, 4).softmax(2)
    np.testing.assert_allclose(
        teacher_losses(z, p).numpy(), np.stack([teacher_losses(a, b).numpy() for a, b in zip(z, p, strict=True)])
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperature": 0}, "temperature cannot be 0"),
        ({"temperature": float("nan")}, "temperature"),
        ({"alpha": 1.1}, "alpha cannot be 1.1"),
        ({"alpha": -0.1}, "alpha"),
        ({"alpha": True}, "alpha"),
    ],
)
def test_settings_that_cannot_be(settings, words):
    z, t, y = some()
    with pytest.raises(UsageError, match=words):
        distillation_loss(z, t.softmax(1), y, **settings)


def test_other_shapes():
    with pytest.raises(UsageError, match="same shape"):
        distillation_loss(torch.zeros(2, 3), torch.full((2, 4), 0.25))


@pytest.mark.parametrize("p", [torch.zeros(2, 3), torch.tensor([[2.0, -1.0, 0.0]] * 2), torch.full((2, 3), torch.nan)])
def test_a_teacher_s_rows_are_probabilities(p):
    for loss in (teacher_losses, distillation_loss):
        with pytest.raises(UsageError, match="no probabilities; expected rows of 0 or more that sum to 1"):
            loss(torch.zeros(2, 3), p)
    half = torch.randn(50, 100, generator=torch.Generator().manual_seed(0)).softmax(1).to(torch.bfloat16)
    assert teacher_losses(torch.zeros(50, 100), half).isfinite().all()
    assert teacher_losses(torch.zeros(0, 3), torch.zeros(0, 3)).shape == (0,)


def test_numpy_s_numbers_are_numbers():
    z, p = torch.zeros(2, 3, requires_grad=True), torch.full((2, 3), 1 / 3)
    loss = distillation_loss(z, p, torch.tensor([0, 1]), temperature=np.float32(2), alpha=np.float32(0.5))
    assert torch.equal(loss, distillation_loss(z, p, torch.tensor([0, 1]), temperature=2, alpha=0.5))
