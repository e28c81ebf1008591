"""What the theory says of the rules, measured: rates on a quadratic, saddles, the noise floor, first steps."""

import math

import pytest
import torch

from ravine.optimization import SGD, AdaGrad, Adam, Momentum, RMSProp, Stepper


def contraction(stepper, eigenvalues, steps, skip):
    """The factor per step by which the distance to the minimum of 1/2 sum(lambda w^2) shrinks, once it is steady."""
    h = torch.tensor([eigenvalues], dtype=torch.float64)
    w = torch.ones_like(h)
    lengths = []
    for _ in range(steps):
        stepper.step(w, h * w, 1.0)
        lengths.append(float(w.norm()))
    return (lengths[-1] / lengths[skip]) ** (1 / (steps - 1 - skip))


@pytest.mark.parametrize("kappa", [10.0, 100.0, 1000.0])
def test_sgd_contracts_as_kappa_says(kappa):
    """At lr = 2 / (1 + kappa), the best for eigenvalues from 1 to kappa."""
    measured = contraction(Stepper(SGD, lr=2 / (1 + kappa)), [1.0, kappa], 400, 100)
    expected = (kappa - 1) / (kappa + 1)
    assert math.log(measured) == pytest.approx(math.log(expected), rel=0.05)


@pytest.mark.parametrize("kappa", [10.0, 100.0, 1000.0])
def test_momentum_contracts_as_the_root_of_kappa_says(kappa):
    """Polyak's best: rho the square of the rate of contraction, lr = (2 / (1 + sqrt(kappa)))^2."""
    root = math.sqrt(kappa)
    expected = (root - 1) / (root + 1)
    stepper = Stepper(Momentum, lr=(2 / (1 + root)) ** 2, rho=expected**2)
    # two equal roots add a factor t: over the second half the distance is twice what the rate alone says
    steps = 240 if kappa < 100 else 600
    measured = contraction(stepper, [1.0, kappa], steps, steps // 2)
    assert math.log(measured) == pytest.approx(math.log(expected), rel=0.05)


def test_escape_from_a_saddle_takes_steps_as_log_1_over_distance():
    """f = (x^2 - y^2) / 2: y grows by 1 + lr a step, so it takes log(1 / y0) / log(1 + lr) steps to get away."""
    lr, steps = 0.1, []
    for distance in (1e-2, 1e-4, 1e-8):
        w = torch.tensor([[1.0, distance]], dtype=torch.float64)
        stepper, n = Stepper(SGD, lr=lr), 0
        while abs(w[0, 1]) < 1:
            stepper.step(w, w * torch.tensor([[1.0, -1.0]], dtype=torch.float64), 1.0)
            n += 1
        steps.append(n)
        assert n == pytest.approx(math.log(1 / distance) / math.log(1 + lr), abs=1)
    assert steps[1] / steps[0] == pytest.approx(2, rel=0.03)
    assert steps[2] / steps[1] == pytest.approx(2, rel=0.03)


def test_sgds_noise_floor_is_proportional_to_the_rate():
    """f = w^2 / 2 with gradient noise of variance 1: E[w^2] = lr / (2 - lr)."""
    rates = torch.tensor([[0.02], [0.04], [0.08]], dtype=torch.float64)
    w = torch.zeros(3, 4000, dtype=torch.float64)
    stepper, generator = Stepper(SGD, lr=rates), torch.Generator().manual_seed(0)
    for _ in range(400):
        stepper.step(w, w + torch.randn(w.shape, generator=generator, dtype=torch.float64), 1.0)
    floor = (w**2).mean(1, keepdim=True)
    torch.testing.assert_close(floor, rates / (2 - rates), rtol=0.1, atol=0)
    assert float(floor[1] / floor[0]) == pytest.approx(2, rel=0.12)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_adams_first_step_has_length_lr_whatever_the_scale(scale):
    g = scale * torch.tensor([[1.0, -2, 3, -4]], dtype=torch.float64)
    w = torch.zeros_like(g)
    Stepper(Adam, lr=1e-3).step(w, g, 1.0)
    torch.testing.assert_close(w, -1e-3 * g.sign(), rtol=1e-3, atol=0)
    uncorrected = torch.zeros_like(g)
    Stepper(Adam, lr=1e-3, bias_correction=False).step(uncorrected, g, 1.0)
    # (1 - beta1) / sqrt(1 - beta2) = 0.1 / 0.0316
    torch.testing.assert_close(uncorrected / w, torch.full_like(w, 3.162), rtol=0.01, atol=0)


def test_rmsprops_first_step_is_ten_times_too_long():
    w = torch.zeros(1, 1, dtype=torch.float64)
    Stepper(RMSProp, lr=1e-3, beta=0.99).step(w, torch.full_like(w, 7.0), 1.0)
    assert float(w) == pytest.approx(-1e-2, rel=1e-6)


def test_adagrads_steps_shrink_as_one_over_root_t():
    w = torch.zeros(1, 1, dtype=torch.float64)
    stepper, before = Stepper(AdaGrad, lr=0.1), 0.0
    for t in range(1, 101):
        stepper.step(w, torch.full_like(w, 5.0), 1.0)
        assert before - float(w) == pytest.approx(0.1 / math.sqrt(t))
        before = float(w)


def test_a_steady_slope_moves_momentum_as_its_friction_says():
    """v tends to g / (1 - rho): ten times as fast as SGD at rho = 0.9."""
    w = torch.zeros(1, 1, dtype=torch.float64)
    stepper = Stepper(Momentum, lr=0.01, rho=0.9)
    for _ in range(200):
        before = float(w)
        stepper.step(w, torch.ones_like(w), 1.0)
    assert before - float(w) == pytest.approx(0.1, rel=1e-6)
