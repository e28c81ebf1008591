"""A fine-tuning's plan at work: what is said of it, scored and kept is what is trained, whatever else is asked for."""

import pytest
import torch
from torch import nn
from tuned_trainings import MODEL, NEW, SMALL, digits, prepared, tensors_of

import ravine
from ravine.errors import UsageError
from ravine.population import Population
from ravine.runs import cached_features
from ravine.runs.beginning import start_row
from ravine.runs.cached_features import CachedFeatures
from ravine.runs.plan_lines import plan_lines
from ravine.runs.scoring import score
from ravine.transfer import blocks, unfreezing

OLD = digits([0, 1, 2, 3, 4])
HEAD = 4 * 4 * 3 + 3


def members(row, name, count):
    return [row[f"member{k:02d}/{name}"] for k in range(count)] if count > 1 else [row[name]]


@pytest.mark.parametrize(
    ("settings", "depth"),
    [
        ({"members": 2, "keep": "first 2"}, 2),
        ({"members": 1, "keep": "first 2"}, 5),
        ({"members": 2}, 5),
        ({"members": 2, "keep": "none"}, 0),
    ],
)
def test_features_are_shared_only_where_all_members_have_the_same_blocks(pretrained, settings, depth):
    training = prepared(pretrained(MODEL), freeze="first 5", unfreeze_at=0, **settings)
    *_, (row, _) = training.epochs()
    assert training.tuning.cached is None or training.tuning.cached.depth(0.0) == depth
    training.tuning.cached = None  # from the images
    from_images, count = score(training, "val"), settings["members"]
    assert members(row, "val/loss", count) == pytest.approx(from_images.loss, rel=1e-5)
    assert members(row, "val/accuracy", count) == list(from_images.accuracy)


@pytest.mark.parametrize("augment", ["none", "translate(1)"])
def test_an_epoch_that_ends_where_blocks_are_unfrozen_is_scored_and_kept_as_it_was_trained(pretrained, augment):
    training = prepared(pretrained(MODEL), unfreeze_at=0.5, epochs=4, average="ema(0.9)", augment=augment)
    before, cached = {name: b.clone() for name, b in training.population.buffers.items()}, training.tuning.cached
    for row, _ in training.epochs():
        training.tuning.cached = None
        with training.deployed():
            assert score(training, "val").loss[0] == pytest.approx(row["val/loss"], rel=1e-5)
            same = {torch.equal(buffer, before[name]) for name, buffer in training.population.buffers.items()}
            assert same == {row["epoch"] <= 2}, "statistics stay until then"
        training.tuning.cached = cached


def test_the_epoch_that_ends_there_is_still_scored_from_features(pretrained):
    training, asked = prepared(pretrained(MODEL), unfreeze_at=0.5), []
    take = training.tuning.cached.take

    def noted(split, depth):
        asked.append((split, training.position.epoch))
        return take(split, depth)

    training.tuning.cached.take = noted
    assert len(list(training.epochs())) == 2
    assert ("val", 0) in asked
    assert ("val", 1) not in asked


def test_the_last_step_done_is_told_apart_from_the_next(pretrained):
    training, seen = prepared(pretrained(MODEL), unfreeze_at=0.5), []
    assert training.done_progress == training.progress == 0
    update = training._update
    training._update = lambda *given: (update(*given), seen.append((training.done_progress, training.progress)))
    for row, _ in training.epochs():
        assert training.done_progress == pytest.approx((row["epoch"] - 1 / training.feed.steps) / 2)
    assert all(done == now for done, now in seen), "inside a step it is that step"


def test_late_blocks_count_their_own_steps(pretrained):
    training, seen = prepared(pretrained(MODEL), unfreeze_at=0.4, epochs=3, bn="train"), []
    update = training._update

    def noted(*given):
        update(*given)
        seen.append((training.progress, training.stepper.stretches))

    training._update = noted
    for _ in training.epochs():
        pass
    first = next(step for step, (progress, _) in enumerate(seen) if progress >= 0.4)
    width = training.population.weights.shape[1]
    for step, (progress, stretches) in enumerate(seen):
        head = stretches[-1]
        assert (head.start, head.stop, head.factor, head.done) == (width - HEAD, width, 1.0, step)
        assert {one.done for one in stretches} == ({step} if progress < 0.4 else {step, step - first})
        assert sum(one.stop - one.start for one in stretches) == width or progress < 0.4
    assert training.stepper.state["t"] == len(seen) == 3 * training.feed.steps


def test_proximal_l1_goes_by_each_weights_own_rate(pretrained):
    training = prepared(
        pretrained(MODEL), regularize="l1(0.5, proximal=true)", layer_decay=0.5, unfreeze_at=0.5, epochs=2
    )
    layout, tuning = training.population.layout, training.tuning
    places = {name: i for i, block in enumerate(tuning.row) for name in block.parameters}
    for training.position.epoch in (0, 1):
        before = training.population.weights.clone()
        with torch.no_grad():
            training.project(training.population.weights, 0.1)
        for slot in layout:
            factor = tuning.plan.factor(places[slot.name], training.progress)
            shrunk = 0.1 * 0.5 * factor if len(slot.shape) > 1 else 0.0
            was, now = (weights[:, slot.start : slot.stop] for weights in (before, training.population.weights))
            torch.testing.assert_close(now, was - was.clamp(-shrunk, shrunk), rtol=1e-6, atol=1e-8)
            assert factor or torch.equal(now, was)


@pytest.mark.parametrize("regularize", ["none", "l1(1e-3, proximal=true)"])
def test_a_value_of_a_sweep_is_fine_tuned_bit_for_bit_as_alone(pretrained, regularize):
    settings = {"regularize": regularize, "optimizer": "adamw(decay=0.1)", "unfreeze_at": 0.5}
    swept = prepared(pretrained(MODEL), sweep="lr=[0.0037, 0.01]", lr="auto", members=2, **settings)
    alone = prepared(pretrained(MODEL), lr=0.0037, **settings)
    for training in (swept, alone):
        assert len(list(training.epochs())) == 2
    assert torch.equal(swept.population.weights[0], alone.population.weights[0])
    assert not torch.equal(swept.population.weights[1], alone.population.weights[0])


@pytest.mark.parametrize(
    ("keep", "head", "unfreeze_at"),
    [
        ("all", "keep", 0.0),
        ("all but stem", "keep", 0.0),
        ("first 8", "keep", 0.0),
        ("first 2", "linear", 0.3),
        ("none", "linear", 0.3),
    ],
)
def test_a_head_that_is_not_kept_is_new_even_for_the_same_classes(pretrained, keep, head, unfreeze_at):
    training = prepared(pretrained(MODEL), OLD, keep=keep)
    assert (training.recipe.head, training.recipe.unfreeze_at) == (head, unfreeze_at)
    known = tensors_of(ravine.Run(pretrained(MODEL)), "best")
    mine = training.population.members[0].get_parameter("head.weight")
    assert torch.equal(mine, known["head.weight"]) == (head == "keep")
    if head == "linear":
        with pytest.raises(UsageError, match="--head keep: --keep '.*' leaves the head out"):
            prepared(pretrained(MODEL), OLD, keep=keep, head="keep")


HEAD_ALONE = [
    {"freeze": "all but head"},
    {"freeze": "all but  head "},
    {"freeze": "first 7"},
    {"freeze": "stem, stage1, stage2, stage3"},
    {"unfreeze_at": 1},
    {"freeze": "first 7", "head": "mlp"},
    {"keep": "first 2", "freeze": "first 2"},
]
MORE = [{}, {"freeze": "none"}, {"freeze": "first 0"}, {"unfreeze_at": 0.5}, {"freeze": "first 6"}, {"keep": "first 2"}]


def test_the_rate_goes_by_what_is_trained_not_by_how_it_is_said(pretrained):
    rate = {lr: [prepared(pretrained(MODEL), lr="auto", **one).recipe.lr for one in of] for lr, of in
            (("alone", HEAD_ALONE), ("more", MORE))}  # fmt: skip
    assert rate["alone"] == [0.01] * len(HEAD_ALONE)
    assert rate["more"] == pytest.approx([0.003] * len(MORE))


@pytest.mark.parametrize(
    ("settings", "unfreeze_at"),
    [({}, 0.3), ({"freeze": "first 0"}, 0.3), ({"freeze": "first 1"}, 0.0), ({"unfreeze_at": 0.2}, 0.2)],
)
def test_the_head_waits_alone_where_nothing_else_was_said(pretrained, settings, unfreeze_at):
    assert prepared(pretrained(MODEL), **settings).recipe.unfreeze_at == unfreeze_at


def test_the_table_says_what_norms_do(pretrained):
    def table(**settings):
        return "\n".join(plan_lines(prepared(pretrained(MODEL), schedule="constant", **settings)))

    assert "frozen, norms kept  rate up to 0.0042, norms trained" in table(lr=0.02)
    assert "frozen, norms kept  rate up to 0.0042, norms' statistics kept" in table(lr=0.02, bn="frozen")
    assert "frozen, norms' statistics follow  rate up to" in table(bn="stats")
    assert "frozen, norms trained at up to 0.0042  rate up to 0.0042, norms trained" in table(lr=0.02, bn="train")


def test_the_short_table_names_the_block_whose_norms_differ(pretrained):
    def last(**settings):
        lines = plan_lines(prepared(pretrained(MODEL), epochs=20, gradual=True, augment="translate(1)", **settings))
        return next(line for line in lines if line.startswith("batch norm")), lines[1]

    assert last()[0] == "batch norm: norms kept where frozen, norms trained where trained"
    frozen = "batch norm: norms kept where frozen, norms' statistics kept where trained"
    assert last(bn="frozen")[0] == frozen
    assert last(bn="frozen", head="mlp")[0] == f"{frozen}, norms trained in head"
    said, stem = last(bn="train", lr=0.02, schedule="constant")
    assert said == "batch norm: norms trained where frozen, norms trained where trained"
    assert stem.split()[0] == "stem"
    assert "norms 0.0042 before" in stem


def test_a_table_of_a_sweep_shows_shares_of_its_rates(pretrained):
    settings = {"sweep": "lr=[0.1, 0.2]", "lr": "auto", "members": 2, "schedule": "constant", "layer_decay": 0.5}
    lines = plan_lines(prepared(pretrained(MODEL), **settings))
    assert any(line.startswith("head") and "rate up to 1 " in f"{line} " for line in lines)
    assert any(line.startswith("stage3.1") and "rate up to 0.5, norms" in line for line in lines)
    assert "the rates are shares of the swept lr" in lines


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_in_which_order_nameless_outputs_are_taken_is_said(pretrained, tmp_path, order):
    known = tensors_of(ravine.Run(pretrained(MODEL)), "best")
    known["head.weight"], known["head.bias"] = known["head.weight"][:3], known["head.bias"][:3]
    torch.save(known, tmp_path / "theirs.pth")
    arrays = {**NEW, "classes": NEW["classes"][list(order)]}
    settings = {**SMALL, "epochs": 1, "head": "keep", "model": MODEL, "normalize": "data"}
    run = ravine.finetune(tmp_path / "theirs.pth", arrays, out=tmp_path, **settings)
    said = (run.path / "log.txt").read_text()
    assert ("sorted order of the data" in said) == (order == (0, 1, 2))
    assert f"order of the data ({', '.join(arrays['classes'])})" in said


def test_a_run_itself_is_a_source_of_weights(pretrained, tmp_path):
    run = ravine.finetune(ravine.Run(pretrained(MODEL)), NEW, out=tmp_path, **{**SMALL, "epochs": 1})
    assert run.recipe.pretrained == str(pretrained(MODEL))
    with pytest.raises(UsageError, match="weights: a int is no pretrained network; expected a run, a weights file"):
        ravine.finetune(3, NEW, out=tmp_path, **SMALL)


def test_what_is_new_has_no_pretrained_weights_to_be_pulled_to(pretrained):
    training = prepared(pretrained(MODEL), keep="first 2", regularize="l2_sp(1)")
    known = tensors_of(ravine.Run(pretrained(MODEL)), "best")
    row = start_row(training.recipe, training.population)
    for slot in training.population.layout:
        part, kept = row[0, slot.start : slot.stop], slot.name.startswith(("stem", "stage1.0"))
        assert torch.equal(part, known[slot.name].flatten()) if kept else not part.any(), slot.name


def test_noise_spares_what_is_frozen(pretrained):
    training = prepared(pretrained(MODEL), unfreeze_at=0.5, regularize="weight_noise(0.1)")
    before = training.population.weights.clone()
    with training.perturb(0, 0):
        moved = training.population.weights != before
        assert not moved[:, :-HEAD].any()
        assert moved[:, -HEAD:-3].all()
    assert torch.equal(training.population.weights, before)


class Toy(nn.Module):
    """A network that itself drops something, as many of timm's do."""

    def __init__(self, around=False):
        super().__init__()
        self.first, self.second, self.head = (nn.Sequential(nn.Linear(6, 6), nn.ReLU()) for _ in range(3))
        self.head, self.around = nn.Linear(6, 3), around

    def forward(self, x):
        y = self.second(self.first(x))
        return self.head(nn.functional.dropout(y + x if self.around else y, 0.5, self.training))


def of_toys(**settings):
    """The features of a toy's images after its first block."""
    torch.manual_seed(0)
    population = Population(lambda k: Toy(**settings), 1)
    x, plan = (
        torch.randn(8, 6),
        unfreezing([b.name for b in blocks(population.members[0])], freeze="first 1", unfreeze_at=0),
    )
    labels, takes = {s: torch.zeros(8) for s in ("train", "val")}, {s: lambda rows: x[rows] for s in ("train", "val")}
    known = {"recipe": ravine.Recipe(precision="float32"), "device": torch.device("cpu"), "normalize": lambda x: x}
    made = type("Made", (), {"population": population, "labels": labels, "takes": takes, **known})
    made.normalize = staticmethod(known["normalize"])
    return CachedFeatures(made, plan, 3), population, x


def test_what_comes_after_the_features_is_in_the_mode_of_its_network():
    cached, population, x = of_toys()
    assert cached.depth(0.5) == 1
    kept, run = cached.take("train", 1)(torch.arange(8))[None], cached.run(1)
    for mode in (False, True, False):
        population.train(mode)
        assert torch.equal(run(kept), run(kept)) == (not mode)
        if not mode:
            torch.testing.assert_close(run(kept)[0], population.members[0](x))


def test_features_are_kept_only_where_they_fit_and_the_network_runs_its_blocks_one_after_another(monkeypatch):
    assert of_toys(around=True)[0].depth(0.5) == 0
    monkeypatch.setattr(cached_features, "MOST_BYTES", 16 * 6 * 4)
    assert of_toys()[0].depth(0.5) == 1
    monkeypatch.setattr(cached_features, "MOST_BYTES", 16 * 6 * 4 - 1)
    assert of_toys()[0].depth(0.5) == 0
