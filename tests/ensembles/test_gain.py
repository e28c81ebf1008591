"""The gain and its two intervals: by hand, against plain references, and whether they hold what they promise."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import softmax

from ravine.ensembles import Answers, difference, gain, log_losses, vote
from ravine.ensembles.difference import same_everywhere
from ravine.errors import UsageError


def trained(rng, members, n, unequal=0.0):
    """Answers of simulated trainings on images of unequal difficulty, members of unequal skill where asked for."""
    logits = rng.normal(0, 1, (members, n, 4)) + rng.normal(0, 1, (1, n, 4))
    logits[:, :, 0] += rng.normal(1.2, 1.5, n) + rng.normal(0, unequal, (members, 1))
    return Answers(softmax(logits, 2), np.zeros(n, np.int64))


def test_by_hand():
    a, b = [[0.9, 0.1], [0.6, 0.4], [0.4, 0.6]], [[0.8, 0.2], [0.1, 0.9], [0.7, 0.3]]
    answers = Answers(np.array([a, b]), np.array([0, 0, 0]))
    # the vote is right on 1 and 3, each member on two: d = (0, -1/2, 1/2)
    found = gain(answers)
    assert found.value == pytest.approx(0)
    assert found.trainings is None
    assert found.images[1] == pytest.approx(stats.t.ppf(0.975, 2) * np.sqrt(0.25 / 3))
    assert gain(answers, [0, 1]).value == pytest.approx(0)


def test_over_images_it_is_the_paired_t_interval():
    answers = trained(np.random.default_rng(0), 4, 300)
    right = (answers.vote.argmax(1) == 0).astype(float)
    for ranking, rival in ((None, answers.correct.mean(0)), ([2, 0, 1, 3], answers.correct[2].astype(float))):
        found = gain(answers, ranking)
        reference = stats.ttest_rel(right, rival).confidence_interval(0.95)
        assert found.images == pytest.approx((reference.low, reference.high), rel=1e-9)
        assert found.value == pytest.approx(right.mean() - rival.mean())


def test_log_loss_counts_the_other_way():
    answers = trained(np.random.default_rng(0), 4, 300)
    losses = log_losses(answers.probabilities, answers.labels)
    found = gain(answers, score="log_loss")
    assert found.value == pytest.approx(losses.mean() - log_losses(answers.vote, answers.labels).mean())
    assert found.value > 0, "Jensen"
    assert gain(answers, [3, 2, 1, 0], score="log_loss").value == pytest.approx(
        losses[3].mean() - log_losses(answers.vote, answers.labels).mean()
    )


def test_over_trainings_it_is_the_formula_above_the_code():
    answers = trained(np.random.default_rng(1), 5, 200, unequal=1.0)
    p, n, k = answers.probabilities, 200, 5
    d = (vote(p).argmax(1) == 0) - answers.correct.mean(0)
    left = np.array([
        (vote(np.delete(p, i, 0)).argmax(1) == 0) - np.delete(answers.correct, i, 0).mean(0) for i in range(k)
    ])  # fmt: skip
    means = left.mean(1)
    jackknife = (k - 1) / k * ((means - means.mean()) ** 2).sum()
    counted = (k - 1) / k * sum((left[i] - left.mean(0)).var(ddof=1) for i in range(k)) / n
    images = d.var(ddof=1) / n
    whole = images + max(0, jackknife - counted)
    freedom = whole**2 / (images**2 / (n - 1) + jackknife**2 / (k - 1))
    half = stats.t.ppf(0.975, freedom) * np.sqrt(whole)
    assert gain(answers).trainings == pytest.approx((d.mean() - half, d.mean() + half), rel=1e-9)


@pytest.mark.parametrize(("members", "unequal"), [(3, 0.0), (5, 0.3)])
def test_the_intervals_hold_the_mean_of_many_trainings(members, unequal):
    rng = np.random.default_rng(members)
    truth = np.mean([gain(trained(rng, members, 400, unequal)).value for _ in range(300)])
    found = [gain(trained(rng, members, 400, unequal)) for _ in range(200)]
    held = np.mean([one.trainings[0] <= truth <= one.trainings[1] for one in found])
    # of 200 with 95%, fewer than 181 has a chance of 1 in 1,000
    assert held >= 0.905
    assert all(one.trainings[1] - one.trainings[0] >= one.images[1] - one.images[0] for one in found)


def test_equal_members_gain_nothing():
    p = trained(np.random.default_rng(0), 1, 50).probabilities
    answers = Answers(p.repeat(4, 0), np.zeros(50, int))
    found = gain(answers, score="log_loss")
    assert np.allclose([found.value, *found.images, *found.trainings], 0, atol=1e-12)
    found = gain(answers)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.trainings is None
    # the share that differs is at most the one with which no image of 50 does in 2.5% of the cases
    assert (1 - found.images[1]) ** 50 == pytest.approx(0.025)
    assert found.images[0] == -found.images[1]


def test_no_image_differs_although_without_a_member_some_would():
    """Votes 2 of 3 wherever a member errs, and one errs nowhere: the best member and the vote are right everywhere."""
    p = np.tile([0.9, 0.1], (4, 15, 1))
    p[1, :3], p[2, :4] = [0.2, 0.8], [0.2, 0.8]
    found = gain(Answers(p, np.zeros(15, int)), [0, 1, 2, 3])
    assert found.value == 0
    assert found.images == pytest.approx((-0.218, 0.218), abs=1e-3)
    assert found.trainings is None


def test_an_advantage_on_every_image_seen_is_none_of_certainty():
    assert same_everywhere(1.0, 15) == pytest.approx((1 - 2 * 0.218, 1), abs=1e-3)
    found = difference(np.ones(15, bool), np.ones(15, bool))
    assert (found.low, found.high) == pytest.approx((-0.218, 0.218), abs=1e-3)
    found = difference(np.full(5, 3.0), np.full(5, 1.0))
    assert (found.value, found.low, found.high) == (2, -np.inf, np.inf)


def test_weights_are_those_of_the_vote():
    answers = trained(np.random.default_rng(0), 3, 100)
    weights = np.array([5.0, 1.0, 2.0])
    right = (vote(answers.probabilities, weights).argmax(1) == 0).mean()
    assert gain(answers, weights=weights).value == pytest.approx(right - answers.correct.mean())


def test_one_image_has_no_interval_and_none_no_gain():
    answers = trained(np.random.default_rng(0), 3, 1)
    assert gain(answers).images == (-np.inf, np.inf)
    with pytest.raises(UsageError, match="no examples"):
        gain(answers.rows(np.array([], int)))
    for ranking in ([0, 1], [0, 1, 1], [1, 2, 3]):
        with pytest.raises(UsageError, match="each of 0 to 2 once"):
            gain(answers, ranking)
