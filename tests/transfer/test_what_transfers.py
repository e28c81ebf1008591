"""The three sentences, from numbers whose truth is known."""

import json

import numpy as np
import pytest
from made_up import FLAT, made

from ravine.errors import UsageError
from ravine.transfer.what_transfers import SCRATCH, in_words, settings, spread_out


def test_every_training_once():
    found = settings((0, 2, 4))
    assert len(found) == len(set(found)) == 4 * 2 + 1
    assert found[0] == SCRATCH
    assert ("whole", 0) in found
    assert ("whole", 4) not in found, "all kept and all frozen is the frozen line's end"
    assert all(depth or line in ("scratch", "whole") for line, depth in found)
    assert len({in_words(setting) for setting in found}) == len(found)


def test_depths_are_all_or_six_evenly_spaced():
    assert spread_out(1) == (0, 1)
    assert spread_out(6) == tuple(range(7))
    for blocks in (7, 10, 55):
        depths = spread_out(blocks)
        assert len(depths) == 7
        assert (depths[0], depths[-1]) == (0, blocks)
        assert max(np.diff(depths)) - min(np.diff(depths)) <= 1


def test_lines_meet():
    found = made()
    for line in ("frozen", "tuned", "random"):
        assert found.answers(line, 0) is found.right[SCRATCH]
    assert found.answers("whole", 4) is found.right["frozen", 4]
    assert found.accuracy("tuned", 2) == pytest.approx(0.9, abs=0.005)
    low, high = found.interval("tuned", 2)
    assert low < found.accuracy("tuned", 2) < high
    for line, depth in (("frozen", 9), ("nonsense", 1), ("scratch", 1)):
        with pytest.raises(UsageError, match=f"no {line} at depth {depth}"):
            found.answers(line, depth)


def test_all_carry_over():
    found = made()
    first, second, third = found.sentences
    assert (found.verdict.carried, found.verdict.specific, found.verdict.freeze) == (4, None, 4)
    assert first.startswith("All 4 blocks carry over: frozen as pretrained")
    assert str(found.gap("frozen", 4, "tuned", 4)) in first
    assert str(found.gap("frozen", 4, "random", 4)) in first
    assert found.verdict.title == "All 4 blocks carry over, to within 5 points"
    assert "less than 5 points below fine-tuned, if at all" in first
    assert second.startswith("Blocks become specific nowhere, to within 5 points: frozen is lowest")
    assert '--freeze "all but head"' in third
    assert "above training from scratch" in third
    assert found.verdict.command == 'ravine finetune old.th photos/ --freeze "all but head"'


def test_frozen_falls_below_fine_tuned():
    curves = FLAT | {"frozen": lambda d: 0.9 - 0.2 * (d > 2), "whole": lambda d: 0.92 - 0.1 * (d > 1)}
    found = made(curves, n_test=200)
    first, second, third = found.sentences
    assert (found.verdict.carried, found.verdict.specific, found.verdict.freeze) == (2, 3, 1)
    assert first.startswith("The first 2 of 4 blocks (stem to layer1) carry over")
    assert "specific in block 3 (layer2)" in second
    assert str(found.gap("frozen", 3, "tuned", 3).among(3)) in second
    assert 'Freeze the first of 4 blocks (stem): --freeze "first 1" reaches 92' in third
    assert "On 200 test images, which chose nothing" in third
    assert found.verdict.test["accuracy"] == found.test["whole", 1].mean()


def test_depths_between_are_named():
    curves = FLAT | {"frozen": lambda d: 0.9 - 0.3 * (d > 4)}
    found = made(curves, blocks=10, depths=(0, 4, 8, 10))
    assert "in blocks 5 to 8 (layer4 to layer7)" in found.sentences[1]


def test_a_cut_between_neighbours_is_not_the_end():
    found = made(FLAT | {"frozen": lambda d: 0.9 - 0.2 * (d == 2)})
    assert (found.verdict.carried, found.verdict.specific) == (1, 2)
    assert "not so with all 4 blocks frozen" in found.sentences[1]


def test_already_the_first_is_specific():
    found = made(FLAT | {"frozen": lambda d: 0.5, "whole": lambda d: 0.9 - 0.2 * (d > 0)})
    assert (found.verdict.carried, found.verdict.specific, found.verdict.freeze) == (0, 1, 0)
    assert found.sentences[0].startswith("No block carries over as it is: with the first of 4 blocks (stem)")
    assert "already more than 5 points below fine-tuned" in found.sentences[0]
    assert "Freeze nothing: --freeze none reaches" in found.sentences[2]


def test_no_better_than_random_ones():
    """The control decides: what random blocks can do, too, is not the weights' doing."""
    found = made(FLAT | {"random": lambda d: 0.9})
    assert found.verdict.carried == 0
    assert found.sentences[0].startswith("No block is shown to carry over: even")


def test_weights_that_do_harm():
    worse = {"frozen": lambda d: 0.5, "tuned": lambda d: 0.5, "random": lambda d: 0.3, "whole": lambda d: 0.5}
    found = made(worse, scratch=0.8, n_test=100)
    assert found.verdict.freeze is None
    assert found.sentences[0].startswith("No block is worth keeping as it is")
    assert found.sentences[2].startswith("Train from scratch: that reaches 80")
    assert found.verdict.command == "ravine train photos/"
    assert found.verdict.test["accuracy"] == found.test[SCRATCH].mean()


def test_what_cannot_be_told_is_said_with_what_it_takes():
    found = made({"frozen": lambda d: 0.72, "tuned": lambda d: 0.75, "random": lambda d: 0.7, "whole": lambda d: 0.72},
                 scratch=0.7, n=40, blocks=1)  # fmt: skip
    first, second, third = found.sentences
    assert found.verdict.title == "It cannot be told whether any block carries over"
    assert "the only block (stem) frozen, accuracy may be 5 points or more below fine-tuned" in first
    assert "seeds would tell, if the difference is as measured" in first
    assert second.startswith(
        "It cannot be told where blocks become specific, if anywhere: 40 images and 3 seeds show no place; "
    )
    for sentence in (second, third):
        assert "would tell a difference of that size" in sentence, sentence
    assert "cannot be told from training from scratch" in third


def test_freezing_more_is_preferred_only_where_it_is_shown_to_cost_little():
    """Of settings that are shown to be about as good the cheapest, and never one that something clearly beats."""
    line = FLAT | {"whole": lambda d: 0.9 - 0.001 * d, "frozen": lambda d: 0.896}
    sure = made(line, n=1000)
    assert sure.verdict.freeze == 4
    assert "less than 5 points below the best, with nothing frozen" in sure.sentences[2]
    few = made(line, n=40)
    assert few.verdict.freeze == max(few.depths, key=lambda d: (few.accuracy("whole", d), d)), "40 images show nothing"
    assert made(FLAT | {"whole": lambda d: 0.92 - 0.15 * d}).verdict.freeze == 0


def test_a_lack_of_images_shows_nothing():
    """Frozen is 12 points worse in truth, at every depth: with few images and seeds no sentence says that it is not."""
    for seed in range(40):
        curves = FLAT | {"frozen": lambda d: 0.78, "random": lambda d: 0.3}
        found = made(curves, seeds=2, n=40, seed=seed, noise=0.2)
        assert found.verdict.carried == 0
        assert "carry over, to within" not in found.verdict.title


def test_one_cut_that_cannot_be_told_does_not_hide_what_is_shown_of_all():
    """All blocks frozen lose nothing; of a cut before them that is not known, but it is not clearly below either."""
    found = made()
    unsure = dict(found.right)
    unsure["frozen", 2] = np.random.default_rng(3).random((3, 300)) < [[0.99], [0.82], [0.88]]
    found = made(right=unsure)
    assert not found.gap("frozen", 2, "tuned", 2).small
    assert not found.gap("frozen", 2, "tuned", 2).below
    assert found.verdict.carried == 4
    assert found.sentences[1].startswith("It cannot be told where blocks become specific")


def test_what_is_searched_among_many_cuts_has_to_hold_among_many():
    """Clearly below at one of the deeper cuts alone, which chance gives to one of 6 in every seventh experiment."""
    found = made(FLAT | {"frozen": lambda d: 0.9 - 0.031 * (d == 5)}, blocks=6, n=400)
    drop = found.gap("frozen", 5, "tuned", 5)
    assert drop.below
    assert not drop.among(5).below
    assert found.verdict.specific is None
    assert str(drop.among(5)) in found.sentences[1]


def test_a_small_loss_that_is_certain_is_called_small_and_a_loss():
    """With many images all is told apart: 2 points below are below, and less than 5 points."""
    found = made(FLAT | {"frozen": lambda d: 0.88 - 0.1 * (d > 2)}, n=4000)
    assert (found.verdict.carried, found.verdict.specific) == (2, 1)
    assert "though by less than 5 points up to block 2" in found.sentences[1]
    assert "less than 5 points below fine-tuned, if at all" in found.sentences[0]


def test_a_loss_of_unknown_size_is_no_proof_of_a_large_one():
    """Clearly below, and not clearly by 5 points."""
    found = made(FLAT | {"frozen": lambda d: 0.85}, n=600)
    assert found.gap("frozen", 1, "tuned", 1).below
    assert not found.gap("frozen", 1, "tuned", 1).small
    assert found.verdict.title == "No block is shown to carry over"


@pytest.mark.parametrize("depth", [1, 3])
def test_what_is_advised_is_what_was_tested(depth):
    """Each training has its own accuracy on test: none is another's."""
    found = made(FLAT | {"whole": lambda d: 0.95 if d == depth else 0.8}, n_test=100)
    assert found.verdict.freeze == depth
    assert found.verdict.test["accuracy"] == pytest.approx(0.95, abs=0.01)
    assert f'--freeze "first {depth}"' in found.verdict.command


def test_only_what_was_decided_is_looked_at_on_test():
    found = made(n_test=100)
    told = json.dumps(found.to_json())
    assert found.to_json()["test"]["n"] == 100
    assert told.count('"test"') == 1


def test_plain_numbers():
    numbers = made(warnings=("beware",), cka=np.full((3, 4), np.nan)).to_json()
    json.dumps(numbers, allow_nan=False)
    assert numbers["cka"] == [[None] * 4] * 3
    assert numbers["seeds"] == 3
    assert numbers["accuracy"]["frozen"][0] == numbers["accuracy"]["scratch"]
    assert set(numbers["gaps"]["frozen minus tuned"]) == {1, 2, 3, 4}
    assert numbers["warnings"] == ["beware"]
