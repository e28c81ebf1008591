"""What is planned on machines of any speed: simulated costs, no clock."""

import pytest
import torch

from ravine import data, spec
from ravine.recipe import Recipe
from ravine.runs.costs import Costs
from ravine.runs.planning import QUICK, WIDTHS, deadline, plan
from ravine.training.pace import Pace

CPU = torch.device("cpu")


class Machine:
    """Seconds of a step by the width of the network: `a width + b width^2` an image; bfloat16 takes a share of it."""

    def __init__(self, speed=1.0, bfloat16=0.5):
        self.speed, self.bfloat16, self.asked = speed, bfloat16, []

    def __call__(self, recipe):
        self.asked.append(recipe)
        width = spec.parse(recipe.model).settings.get("width", 32)
        image = (2e-6 * width + 3e-7 * width**2) / self.speed
        image *= self.bfloat16 if recipe.precision == "bfloat16" else 1
        return Costs(image * int(recipe.batch), image / 3)


class Split:
    def __init__(self, n, shape):
        self.n, self.shape = n, shape

    def __len__(self):
        return self.n


class Images:
    """As much of a data set as a plan looks at: a million images take no memory."""

    def __init__(self, n, shape=(3, 32, 32)):
        self.classes = ["a", "b"]
        self.splits = {"train": Split(n, shape), "val": Split(max(1, n // 10), shape), "test": Split(n // 10, shape)}


def planned(n=45_000, seconds=300.0, machine=None, shape=(3, 32, 32), **settings):
    dataset, machine = Images(n, shape), machine or Machine()
    recipe, costs, said = plan(Recipe(**settings), dataset, CPU, seconds=seconds, now=lambda: 3.0, measure=machine)
    return recipe, costs, said, dataset


def takes(recipe, costs, dataset, seconds):
    """Seconds until the last step is done, as the plan sees it."""
    steps = len(data.steps(len(dataset.splits["train"]), int(recipe.batch)))
    _, epoch_end, _ = deadline(recipe, dataset, costs, seconds)
    total = Pace.parse(recipe.plan).total
    return 3.0 + total * (costs.step * recipe.members + epoch_end / steps)


@pytest.mark.parametrize("n", [200, 1_500, 8_000, 45_000, 1_200_000])
@pytest.mark.parametrize("seconds", [30.0, 300.0, 7200.0])
@pytest.mark.parametrize("speed", [0.2, 1.0, 100.0])
@pytest.mark.parametrize("members", [1, 5])
def test_the_whole_schedule_fits(n, seconds, speed, members):
    recipe, costs, _, dataset = planned(n, seconds, Machine(speed), members=members)
    until, epoch_end, end = deadline(recipe, dataset, costs, seconds)
    until -= end
    total = Pace.parse(recipe.plan).total
    steps = len(data.steps(n, int(recipe.batch)))
    assert recipe.epochs == -(-total // steps)
    one = costs.step * members + epoch_end / steps
    assert takes(recipe, costs, dataset, seconds) <= until + one or total == 20
    if 20 < total < 400 * steps:
        assert takes(recipe, costs, dataset, seconds) >= until - one


def test_more_time_or_a_quicker_machine_gives_a_wider_network():
    def width(**kw):
        return spec.parse(planned(**kw)[0].model).settings["width"]

    by_time = [width(seconds=s) for s in (30.0, 100.0, 300.0, 1200.0, 7200.0)]
    assert by_time == sorted(by_time)
    assert by_time[0] < by_time[-1]
    assert width(machine=Machine(10.0)) > width()


@pytest.mark.parametrize("seconds", [300.0, 1200.0, 3600.0])
@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0, 4.0])
def test_the_widest_is_taken_that_leaves_epochs_by_the_root_of_its_width(seconds, speed):
    def epochs(recipe):
        return Pace.parse(recipe.plan).total / len(data.steps(45_000, int(recipe.batch)))

    def least(width):
        return 5 * (width / 32) ** 0.5

    recipe, *_ = planned(seconds=seconds, machine=Machine(speed))
    width = spec.parse(recipe.model).settings["width"]
    assert width == 16 or epochs(recipe) > least(width) - 0.05  # a plan is of whole steps
    if width < 128:
        wider = min(one for one in WIDTHS if one > width)
        asked, *_ = planned(seconds=seconds, machine=Machine(speed), model=f"quicknet(width={wider})")
        assert epochs(asked) < least(wider) + 0.05


def test_quicknet_is_never_narrower_than_its_usual_width():
    def width(shape):
        return spec.parse(planned(seconds=20.0, machine=Machine(0.05), shape=shape)[0].model).settings["width"]

    assert width((3, 32, 32)) == 16
    assert width((3, 128, 128)) == 8


def test_what_the_recipe_says_stays():
    asked = {"model": "convnet(width=20)", "batch": 100, "precision": "float32", "optimizer": "adam", "augment": "none"}
    recipe, *_ = planned(**asked, regularize="none")
    assert {name: getattr(recipe, name) for name in asked} == asked
    assert recipe.regularize == "none"
    partly, *_ = planned(augment="none")
    assert partly.augment == "none"
    assert partly.optimizer == QUICK["optimizer"]


def test_muons_rate_falls_with_the_root_of_the_width():
    rates = {width: planned(model=f"quicknet(width={width})")[0].lr for width in (16, 32, 64)}
    assert rates[16] == QUICK["lr"]
    assert rates[16] / rates[64] == pytest.approx(2, rel=0.01)
    assert planned(model="quicknet(64)")[0].lr == rates[64]
    assert planned(model="quicknet(64)", lr=0.5)[0].lr == 0.5


def test_muon_is_for_batches_that_are_worth_its_iterations():
    assert planned(45_000)[0].optimizer == QUICK["optimizer"]
    assert planned(300)[0].optimizer == planned(300)[0].lr == "auto"


def test_quicknet_brings_its_recipe_also_where_it_is_asked_for():
    recipe, *_ = planned(model="quicknet(width=24)")
    assert recipe.optimizer == QUICK["optimizer"]
    assert recipe.model == "quicknet(width=24)"
    assert planned(model="convnet")[0].optimizer == "auto"
    assert planned(model="quicknet(width=24)", pretrained="runs/birds")[0].optimizer == "auto"


def test_small_colour_images_get_quicknet_others_convnet_and_features_an_mlp():
    assert planned()[0].model.startswith("quicknet(")
    assert planned(shape=(1, 28, 28))[0].model.startswith("convnet(")
    assert planned(shape=(3, 128, 128))[0].model.startswith("convnet(")
    assert planned(shape=(12,))[0].model == "mlp"
    assert planned(shape=(1, 28, 28))[0].optimizer == "auto"


def test_bfloat16_has_to_be_worth_it():
    assert planned(machine=Machine(bfloat16=0.5))[0].precision == "bfloat16"
    assert planned(machine=Machine(bfloat16=0.95))[0].precision == "float32"


def test_flips_do_not_alternate_where_images_come_several_times():
    assert planned(balance="sampler")[0].augment == "flip, translate(2)"


def test_steps_are_spent_on_hard_examples_where_that_can_be():
    assert planned()[0].focus == "hard"
    assert planned(focus="none")[0].focus == "none"
    assert planned(model="convnet")[0].focus == "auto"
    for settings in ({"balance": "sampler"}, {"members": 2, "shared": True}, {"augment": "flip, mixup(0.2)"}):
        assert planned(**settings)[0].focus == "auto"


def test_the_plan_is_said():
    recipe, _, said, _ = planned(seconds=300.0)
    assert said.startswith(f"plan for 5m: {recipe.model}, 32 x 32 px, ")
    assert "ends at " in said
    assert "more than 400 epochs are not worth their time" in planned(200, 7200.0)[2]
