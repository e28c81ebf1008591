import pytest
import torch
from scipy import stats

from ravine.augmentation import Cutmix, Flip, Mixup, Pipeline
from ravine.errors import UsageError

X = torch.rand(64, 3, 10, 12, generator=torch.Generator().manual_seed(0))
Y = torch.arange(64) % 5


def numbers(n, draws, seed=0):
    return torch.rand(n, draws, generator=torch.Generator().manual_seed(seed))


def test_mixup_is_the_weighted_mean_of_images_and_labels():
    augment = Pipeline([Mixup(0.8)], classes=5)
    u = numbers(64, augment.draws)
    out, soft = augment(X, Y, u=u)
    own = augment.mixer.parts[0].share(u[:, 2:], 10, 12).flatten()
    for i in range(64):
        j = int(u[i, 0].double() * 64)
        torch.testing.assert_close(out[i], own[i] * X[i] + (1 - own[i]) * X[j])
        expected = torch.zeros(5)
        expected[Y[i]] += own[i]
        expected[Y[j]] += 1 - own[i]
        torch.testing.assert_close(soft[i], expected)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_follow_the_beta_distribution(alpha):
    share = Mixup(alpha).share(numbers(10_000, 2), 4, 4).flatten()
    assert stats.kstest(share.numpy(), stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert 0 <= share.min() <= share.max() <= 1


def test_cutmix_pastes_a_rectangle_and_counts_its_area():
    augment = Pipeline([Cutmix()], classes=5)
    u = numbers(64, augment.draws)
    out, soft = augment(X, Y, u=u)
    seen = set()
    for i in range(64):
        j = int(u[i, 0].double() * 64)
        from_partner = (out[i] != X[i]).any(0)
        rows, columns = from_partner.any(1).sum(), from_partner.any(0).sum()
        assert from_partner.sum() == rows * columns
        assert torch.equal(out[i][:, from_partner], X[j][:, from_partner])
        if j != i:
            share = 1 - from_partner.float().mean()
            seen.add(round(float(share), 2))
            expected = torch.zeros(5)
            expected[Y[i]] += share
            expected[Y[j]] += 1 - share
            torch.testing.assert_close(soft[i], expected)
    assert len(seen) > 20


def test_labels_sum_to_1_and_p_0_keeps_them_whole():
    for parts in ([Mixup(), Cutmix()], [Mixup(p=0)], [Cutmix(p=0.5)]):
        augment = Pipeline(parts, classes=5)
        out, soft = augment(X, Y, u=numbers(64, augment.draws))
        torch.testing.assert_close(soft.sum(1), torch.ones(64))
        assert soft.dtype == torch.float32
    assert torch.equal(Pipeline([Mixup(p=0)], classes=5)(X, Y)[0], X)
    assert torch.equal(Pipeline([Cutmix(p=0)], classes=5)(X, Y)[1].argmax(1), Y)
    both = Pipeline([Mixup(0.5), Cutmix()], classes=5)
    u = numbers(64, both.draws)
    mixed = both(X, Y, u=u)[0]
    alone = Pipeline([Mixup(0.5)], classes=5)(X, Y, u=u[:, :4])[0]
    same = torch.tensor([torch.equal(a, b) for a, b in zip(mixed, alone, strict=True)])
    assert torch.equal(same, u[:, 1] < 0.5), "each image draws one of the two"


def test_members_mix_only_with_their_own():
    augment = Pipeline([Flip(0), Mixup(1.0)], classes=5)
    x = torch.stack([torch.zeros(6, 1, 2, 2), torch.ones(6, 1, 2, 2)])
    out, soft = augment(x, torch.stack([torch.zeros(6), torch.ones(6)]).long())
    assert torch.equal(out, x)
    assert soft.shape == (2, 6, 5)
    assert (soft[0, :, 0] == 1).all()
    assert (soft[1, :, 1] == 1).all()


def test_integers_come_back_as_integers():
    augment = Pipeline([Mixup(1.0)], classes=5)
    x = (X * 255).byte()
    u = numbers(64, augment.draws)
    out, _ = augment(x, Y, u=u)
    assert out.dtype == torch.uint8
    assert (out.float() - augment(x.float(), Y, u=u)[0]).abs().max() <= 0.5001


def test_labels_cannot_be_forgotten():
    with pytest.raises(UsageError, match="classes"):
        Pipeline([Mixup()])
    with pytest.raises(UsageError, match=r"Call augment\(x, y\)"):
        Pipeline([Mixup()], classes=5)(X)


def test_the_pasted_rectangle_has_the_area_that_was_drawn():
    u = torch.tensor([[0.0, k, 0.5, 0.5] for k in (0.1, 0.36, 0.75, 0.99)])
    share = Cutmix(1.0).share(u, 200, 300)  # Beta(1, 1) is uniform, so that k is the number itself
    torch.testing.assert_close(share.mean((1, 2, 3)), u[:, 1], atol=0.01, rtol=0)
    (rows, columns) = (share[1, 0] == 0).any(1).sum(), (share[1, 0] == 0).any(0).sum()
    assert (rows, columns) == (160, 240)  # the image's own shape
