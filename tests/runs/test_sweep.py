"""A sweep: what its text means, that its members are the single runs of its values, and what its table claims."""

import csv
import inspect
import json

import numpy as np
import pytest
import torch

import ravine
from ravine import data
from ravine.checkpoints import weights_file
from ravine.cli.sweep_table import print_sweep
from ravine.ensembles.difference import difference
from ravine.errors import UsageError
from ravine.optimization import RULES, Stepper
from ravine.recipe import Recipe
from ravine.runs import sweep_result
from ravine.runs.sweeping import Sweep, columns, identities, settled, sweep_of
from ravine.runs.trainer import Training

CPU = torch.device("cpu")
SMALL = {"model": "mlp(hidden=(16,))", "epochs": 2, "batch": 32, "augment": "none", "precision": "float32"}
SMALL |= {"forward": "loop"}


@pytest.fixture(scope="module")
def arrays():
    digits = data.load("digits").splits["train"]
    return {"x": digits.take(np.arange(300)), "y": digits.y[:300]}


def axes(text, members=1, **settings):
    recipe, _ = settled(Recipe(sweep=text, members=members, **settings))
    return recipe.members, sweep_of(recipe).axes


@pytest.mark.parametrize(
    ("text", "members", "expected"),
    [
        ("lr=[1e-3, 3e-3]", 1, (6, {"lr": (1e-3, 3e-3)})),
        ("lr=[1e-3,3e-3],l2=[0,5e-4]", 8, (8, {"lr": (1e-3, 3e-3), "l2": (0, 5e-4)})),
        ("lr=1e-4..1e-2", 1, (15, {"lr": (1e-4, 3.162e-4, 1e-3, 3.162e-3, 1e-2)})),
        ("lr=1e-4..1e-2", 8, (8, {"lr": (1e-4, 4.642e-4, 2.154e-3, 1e-2)})),
        ("lr=1e-4..1e-2", 3, (3, {"lr": (1e-4, 1e-3, 1e-2)})),
        ("lr=1e-4..1e-2:3", 6, (6, {"lr": (1e-4, 1e-3, 1e-2)})),
        ("l2=0..1e-3:5", 5, (5, {"l2": (0, 2.5e-4, 5e-4, 7.5e-4, 1e-3)})),
        ("lr=1e-4..1e-2, l2=[0, 1e-3]", 8, (8, {"lr": (1e-4, 1e-2), "l2": (0, 1e-3)})),
        (
            "beta1=[0.8, 0.9], decay=[0, 0.1], eps=[1e-8]",
            4,
            (4, {"beta1": (0.8, 0.9), "decay": (0, 0.1), "eps": (1e-8,)}),
        ),
    ],
)
def test_what_a_text_means(text, members, expected):
    found = axes(text, members)
    assert found == expected
    again, _ = settled(settled(Recipe(sweep=text, members=members))[0])
    assert (again.members, sweep_of(again).axes) == expected, "spelled out it means the same"


def test_the_last_axis_is_fastest_and_each_value_has_the_same_seeds():
    recipe, (said,) = settled(Recipe(sweep="lr=[1e-3, 3e-3], l2=[0, 5e-4]", members=8, first_member=10))
    assert sweep_of(recipe).cells[1] == {"lr": 1e-3, "l2": 5e-4}
    assert columns(recipe)["lr"].flatten().tolist() == [1e-3] * 4 + [3e-3] * 4
    assert columns(recipe)["l2"].flatten().tolist() == [0, 0, 5e-4, 5e-4] * 2
    assert identities(recipe) == [10, 11] * 4
    assert said == "sweep lr=[0.001, 0.003], l2=[0, 0.0005]: 4 values, 2 seeds each, the same for all = 8 members"
    assert identities(Recipe(members=3, first_member=2)) == [2, 3, 4]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sweep": "lr"}, "cannot be read; expected name=.value, value., name=low..high"),
        ({"sweep": "lr=[1e-3; 2]"}, "cannot be read"),
        ({"sweep": "lr=[1e-3, fast]"}, "cannot be read"),
        ({"sweep": "lr=1e-3..1..2"}, "cannot be read"),
        ({"sweep": "lr=1e-3"}, "cannot be read"),
        ({"sweep": "lr=[1e-3]"}, "one value is no sweep"),
        ({"sweep": "lr=[1e-3, 0.001]"}, "a value is given twice"),
        ({"sweep": "lr=[1, 2], lr=[3, 4]"}, "lr is given twice"),
        ({"sweep": "lr=1e-2..1e-4"}, "begins above its end"),
        ({"sweep": "lr=1e-4..1e-2:1000000000"}, "1,000,000,000 values; expected 2 to 1,000"),
        ({"sweep": "lr=1..1.001:500"}, "equal to four digits; expected fewer"),
        ({"sweep": "lr=[0.1, -1]"}, "lr cannot be -1.0;"),
        ({"sweep": "eps=[0, 1e-8]"}, "eps cannot be 0.0;"),
        ({"sweep": "l2=[0, -1]"}, "strength cannot be -1.0;"),
        ({"sweep": "lr=-1..1"}, "no range"),
        ({"sweep": "lr=0.1..1:1"}, "1 values; expected 2 to 1,000"),
        ({"sweep": "lr=[-1, 1]"}, "lr cannot be"),
        ({"sweep": "lr=[nan, 1]"}, "not a finite number"),
        ({"sweep": "l2=[-1, 1]"}, "strength cannot be"),
        ({"sweep": "beta1=[0.5, 1.5]"}, "beta1 cannot be"),
        ({"sweep": "bta1=[0.5, 0.9]"}, "bta1 cannot be swept with adam. Did you mean 'beta1'"),
        ({"sweep": "rho=[0.5, 0.9]"}, "rho cannot be swept with adam"),
        ({"sweep": "epochs=[3, 9]"}, "epochs cannot be swept"),
        ({"sweep": "lr=[1, 2]", "lr": 0.1}, "lr is swept and given in --lr"),
        ({"sweep": "lr=[1, 2]", "optimizer": "sgd(lr=0.1)"}, "lr is swept and given in --optimizer"),
        ({"sweep": "rho=[0.5, 0.9]", "optimizer": "momentum(0.1, rho=0.8)"}, "rho is swept and given in --optimizer"),
        ({"sweep": "l2=[0, 1]", "regularize": "l2"}, "l2 is swept and given in --regularize"),
        ({"sweep": "lr=[1, 2, 3]", "members": 8}, "8 members for 3 values; expected --members a multiple of 3"),
        ({"sweep": "lr=0.1..1", "members": 5}, "5 members for a range, 2 seeds a value. Take 4 or 6"),
        ({"sweep": "lr=0.1..1, l2=[0, 1]", "members": 2}, "expected --members a multiple of 2, 4 or more"),
        ({"sweep": "lr=0.1..1, l2=0..1"}, "two ranges without a number of values"),
    ],
)
def test_what_cannot_be_is_refused_before_the_data_is_read(tmp_path, settings, message):
    with pytest.raises(UsageError, match=message):
        ravine.train(tmp_path / "no-such-photos", **settings)


def test_a_sweep_is_text():
    with pytest.raises(UsageError, match="--sweep"):
        Recipe(sweep=["lr"])


def trained(dataset, **settings):
    recipe, _ = settled(Recipe(**{"optimizer": "adam", "schedule": "constant", **SMALL, **settings}))
    training = Training(recipe if recipe.lr != "auto" else recipe.changed(lr=0.01), dataset, CPU)
    for _ in training.epochs():
        pass
    return training


@pytest.mark.parametrize(
    ("name", "values", "alone"),
    [
        ("decay", (0, 0.1), {"optimizer": "adam(decay=0.1)"}),
        ("beta1", (0.5, 0.8), {"optimizer": "adam(beta1=0.8)"}),
        ("l2", (0, 0.01), {"regularize": "l2(0.01)"}),
        ("l1", (0, 0.01), {"regularize": "l1(0.01)"}),
    ],
)
def test_a_value_is_the_single_run_with_that_setting_bit_by_bit(arrays, name, values, alone):
    dataset = data.with_validation(data.load({**arrays, "classes": np.array(list("0123456789"))}), 0.2, 0.0, 0)
    many = trained(dataset, sweep=f"{name}=[{values[0]}, {values[1]}]", members=4)
    single = trained(dataset, **alone, forward="direct", first_member=1)
    assert torch.equal(many.population.weights[3], single.population.weights[0])
    assert not torch.equal(many.population.weights[1], many.population.weights[3])


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if not rule.whole])
def test_every_setting_of_a_rule_acts_on_its_member_as_alone_bit_by_bit(rule):
    generator = torch.Generator().manual_seed(0)
    names = [p.name for p in inspect.signature(rule).parameters.values() if isinstance(p.default, float)]
    swept = {name: (torch.rand(3, 1, generator=generator, dtype=torch.float64) + 1) / 4 for name in names}
    together, single = Stepper(rule, **swept), Stepper(rule, **{name: float(c[1]) for name, c in swept.items()})
    weights = torch.randn(3, 37, generator=generator)
    alone = weights[1:2].clone()
    for _ in range(5):
        grads = torch.randn(3, 37, generator=generator)
        together.step(weights, grads, 0.7)
        single.step(alone, grads[1:2], 0.7)
    assert torch.equal(weights[1], alone[0])


def test_a_proximal_step_follows_each_members_rate(arrays):
    dataset = data.with_validation(data.load({**arrays, "classes": np.array(list("0123456789"))}), 0.2, 0.0, 0)
    settings = {"optimizer": "sgd", "regularize": "l1(0.01, proximal=True)"}
    many = trained(dataset, sweep="lr=[0.1, 0.3]", members=2, **settings)
    single = trained(dataset, **settings, lr=0.3, forward="direct")
    assert torch.equal(many.population.weights[1], single.population.weights[0])


def against(own, best):
    seeds = len(own)
    return sweep_result._against(np.concatenate([best, own]), list(range(seeds, 2 * seeds)), list(range(seeds)), set())


def test_the_comparison_is_paired_over_images_and_over_seeds():
    """By hand: two seeds, four images."""
    best = np.array([[1, 1, 1, 0], [1, 1, 1, 1]], float)
    own = np.array([[1, 0, 0, 0], [1, 1, 0, 0]], float)
    found = against(own, best)
    assert found["difference"] == pytest.approx(-0.5)
    # over images: the means over seeds differ by 0, -1/2, -1, -1/2; over seeds by -1/2, -1/2
    images = difference(np.array([1, 0.5, 0, 0]), np.array([1, 1, 1, 0.5]))
    assert found["over_images"] == [images.low, images.high]
    half = 3.182446 * np.std([0, -0.5, -1, -0.5], ddof=1) / 2
    assert found["over_images"] == pytest.approx([-0.5 - half, -0.5 + half])
    assert found["over_seeds"] is None, "two seeds that happen to differ alike say nothing of new ones"
    assert not found["told_apart"]
    assert against(own[:1], best[:1])["over_seeds"] is None


def test_seeds_without_a_score_do_not_count():
    right = np.array([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]], float)
    found = sweep_result._against(right, [2, 3], [0, 1], {3})
    alone = sweep_result._against(right, [2], [0], set())
    assert found["over_images"] == alone["over_images"]
    assert found["over_seeds"] is None
    assert sweep_result._against(right, [2, 3], [0, 1], {2, 3})["difference"] is None


def test_worse_on_every_seed_but_not_by_what_seeds_differ_is_not_told_apart():
    rng = np.random.default_rng(0)
    best = rng.random((2, 4000)) < np.array([[0.95], [0.80]])
    own = rng.random((2, 4000)) < np.array([[0.70], [0.79]])
    found = against(own.astype(float), best.astype(float))
    assert found["over_images"][1] < 0 < found["over_seeds"][1], "12.7 standard errors with two seeds"
    assert not found["told_apart"]


def value(lr, told_apart):
    return {"settings": {"lr": lr}, "accuracy": 0.9, "told_apart": told_apart}


@pytest.mark.parametrize(
    ("apart", "said"),
    [
        ([False, True, True], "every other value is worse"),
        ([False, False, False], "no other value can be told apart from it"),
        ([False, True, False], "lr=3 cannot be told apart from it"),
    ],
)
def test_the_verdict_names_all_that_may_be_as_good(apart, said):
    verdict = sweep_result._verdict([value(i + 1, known) for i, known in enumerate(apart)], 0)
    assert verdict == f"lr=1 has the best mean accuracy, 90.0%; {said}"


def test_a_winner_at_an_end_asks_for_more():
    sweep = Sweep({"lr": (0.1, 0.2, 0.3), "l2": (0.0, 0.5)}, 1)
    assert sweep_result._edges(sweep, {"lr": 0.2, "l2": 0.0}) == [], "below 0 there is nothing"
    assert sweep_result._edges(sweep, {"lr": 0.3, "l2": 0.5}) == [
        "lr=0.3 is the highest value tried: there may be better ones above it",
        "l2=0.5 is the highest value tried: there may be better ones above it",
    ]
    assert "lowest" in sweep_result._edges(sweep, {"lr": 0.1, "l2": 0.0})[0]


@pytest.fixture(scope="module")
def run(arrays, tmp_path_factory):
    out = tmp_path_factory.mktemp("sweep")
    source = arrays["x"], arrays["y"]
    return ravine.train(
        source, out=out, name="s", quiet=True, device="cpu", test=0.2, sweep="lr=[1e-5, 1e-2]", members=4, **SMALL
    )


def test_the_summary_has_a_row_a_value_and_the_winner(run):
    found = run.summary["sweep"]
    slow, quick = found["values"]
    assert (found["winner"], found["seeds"], found["n"]) == (1, 2, 61)
    assert (quick["members"], quick["identities"]) == ([2, 3], [0, 1])
    last = run.metrics[-1]
    assert quick["accuracy"] == pytest.approx(
        np.mean([max(row[f"member0{k}/val/accuracy"] for row in run.metrics) for k in (2, 3)])
    )
    assert slow["difference"] == pytest.approx(slow["accuracy"] - quick["accuracy"])
    assert [last[f"member0{k}/lr"] / last["member00/lr"] for k in range(4)] == pytest.approx([1, 1, 1000, 1000])
    assert found["edges"] == ["lr=0.01 is the highest value tried: there may be better ones above it"]
    assert run.recipe.sweep == "lr=[1e-05, 0.01]"


def test_the_run_predicts_with_the_winners_members_alone(run):
    for name in ("best", "last"):
        tensors, about = weights_file.read(run.path / "weights" / f"{name}.safetensors")
        assert (about["members"], about["identities"], about["places"]) == (2, [0, 1], [2, 3])
        assert {key.split("/")[0] for key in tensors} == {"member00", "member01"}
    assert len(run.summary["best_epoch"]) == 2
    assert "ensemble" not in run.summary


def test_the_winner_alone_is_scored_on_test(run, arrays):
    dataset = data.with_validation(data.load((arrays["x"], arrays["y"])), float(run.recipe.val), 0.2, 0)
    assert run.summary["best"]["test"]["accuracy"] == run.best.evaluate(dataset, "test").vote_accuracy


def test_the_csv_says_which_members_have_which_value(run):
    rows = list(csv.DictReader((run.path / "sweep.csv").read_text().splitlines()))
    assert [(row["lr"], row["members"], row["winner"]) for row in rows] == [
        ("1e-05", "0 1", "False"),
        ("0.01", "2 3", "True"),
    ]


def test_the_table_names_value_interval_and_what_it_rests_on(run, capsys):
    print_sweep(run.summary["sweep"], tested=True)
    said = capsys.readouterr().out
    assert "lr=0.01 has the best mean accuracy" in said
    assert "over images" in said
    assert "over seeds" in said
    assert "Widen --sweep" in said
    assert "flatters" in said
    assert max(map(len, said.splitlines())) < 130


def test_the_same_command_finds_the_finished_run(run, arrays):
    source = arrays["x"], arrays["y"]
    again = ravine.train(
        source,
        out=run.path.parent,
        name="s",
        quiet=True,
        device="cpu",
        test=0.2,
        sweep="lr=[1e-5, 1e-2]",
        members=4,
        **SMALL,
    )
    assert again.path == run.path


def test_a_value_whose_member_froze_is_named_and_the_others_are_judged(arrays, tmp_path, capsys):
    source = arrays["x"], arrays["y"]
    run = ravine.train(
        source, out=tmp_path, quiet=True, device="cpu", optimizer="sgd", sweep="lr=[0.3, 3e38]", members=2, **SMALL
    )
    found = run.summary["sweep"]
    assert found["winner"] == 0
    assert found["values"][1]["frozen"] == [1]
    assert found["values"][1]["scored"] == []
    assert found["values"][1]["accuracy"] is found["values"][1]["loss"] is found["values"][1]["difference"] is None
    row = list(csv.DictReader((run.path / "sweep.csv").read_text().splitlines()))[1]
    assert (row["accuracy"], row["loss"], row["difference"]) == ("", "", "")
    print_sweep(found, tested=False)
    assert "3e+38  1, 1 froze, 0 of 1 scored  -" in capsys.readouterr().out
    assert found["values"][0]["over_seeds"] is None
    assert json.loads((run.path / "summary.json").read_text())["frozen"][0]["member"] == 1


def test_a_sweep_stopped_before_its_first_checkpoint_goes_on(arrays, tmp_path):
    def stop(row):
        raise KeyboardInterrupt

    settings = {"sweep": "lr=[0.003, 0.01]", "members": 2, "quiet": True, "device": "cpu", **SMALL}
    with pytest.raises(KeyboardInterrupt):
        ravine.train(arrays, out=tmp_path / "part", observers=[stop], **settings)
    part = ravine.train(arrays, out=tmp_path / "part", **settings)
    whole = ravine.train(arrays, out=tmp_path / "whole", **settings)
    assert part.metrics == whole.metrics
