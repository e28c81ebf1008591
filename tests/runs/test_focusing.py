"""The recipe's focus: what goes with it, and what a training under it is."""

import pytest
import torch
from small_trainings import assert_same, prepared, some_digits, trained

from ravine.errors import UsageError
from ravine.recipe import Recipe
from ravine.runs import focusing


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"balance": "sampler"}, "both say how often"),
        ({"shared": True, "members": 2}, "share their batches"),
        ({"sweep": "lr=[0.1, 0.2]"}, "share their batches"),
        ({"augment": "flip, mixup(0.2)"}, "mixed"),
        ({"focus": "hard, hard"}, "2 of them"),
        ({"focus": "hard(share=2)"}, "share cannot be 2"),
        ({"focus": "easy"}, "easy"),
    ],
)
def test_what_cannot_be(settings, words):
    with pytest.raises(UsageError, match=words):
        focusing.refuse_impossible(Recipe(**{"focus": "hard", **settings}))


@pytest.mark.parametrize("focus", ["auto", "none"])
def test_without(focus):
    focusing.refuse_impossible(Recipe(focus=focus, balance="sampler"))
    assert focusing.focus(Recipe(focus=focus), 10, [0], float, torch.device("cpu")) is None


def test_a_member_is_the_single_run_with_its_number_bit_by_bit():
    digits = some_digits()
    settings = {"epochs": 3, "augment": "translate(1)", "focus": "hard(until=1)"}
    many = trained(digits, **settings, members=3)
    single = trained(digits, **settings, members=1, first_member=1)
    assert_same(many, 1, single, 0)
    assert not torch.equal(many.focus.hard[0].order, many.focus.hard[1].order)


def test_each_image_gets_its_own_loss():
    """Of whichever member: cross entropy of the label, or of the targets beside which a teacher's answers lie."""
    made = focusing.focus(Recipe(focus="hard", batch=2), 3, [4, 7], float, torch.device("cpu"))
    orders = torch.stack([made.places(member, 0)[0] for member in (4, 7)])
    logits = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[0, 1, 2], [3, 4, 0]])
    made.saw(0, logits, labels)
    for k, one in enumerate(made.hard):
        assert one.losses[orders[k]].tolist() == pytest.approx(
            (-logits[k].log_softmax(1))[range(3), labels[k]].tolist()
        )
    before = [one.losses.clone() for one in made.hard]
    targets = torch.nn.functional.one_hot(labels, 5).float()
    made.saw(0, logits, torch.stack([targets, torch.rand(2, 3, 5)], 2))
    for one, losses in zip(made.hard, before, strict=True):
        torch.testing.assert_close(one.losses, losses)


def test_weights_that_are_averaged_see_the_first_order_again():
    """Batch norm's statistics of averaged weights are taken over the first epoch, in the middle of another one."""
    settings = {"model": "convnet(width=4)", "epochs": 3, "average": "ema(0.9)", "focus": "hard(until=1)"}
    training = prepared(some_digits(), members=1, **settings)
    orders = []
    for _ in training.epochs():
        orders.append(training.focus.hard[0].order)
    assert training.focus.state()[1] == 2
    assert sorted(orders[0].tolist()) == sorted(set(orders[0].tolist()))
    assert sorted(orders[2].tolist()) != sorted(set(orders[2].tolist()))
