"""From a pretrained network to one for other classes, and what the pretraining was worth.

python examples/finetune.py                      from a network that reads digits to one that tells odd from even
python examples/finetune.py WEIGHTS photos/      WEIGHTS: a run of yours, a .pth or .safetensors file, or timm:resnet18
"""

import sys

import numpy as np

import ravine
from ravine import data


def digits_and_a_few_odd_and_even_ones(labelled=20):
    """A network trained on 900 digits, and of the others a few for either new class; the rest is the test."""
    digits = data.load("digits").splits["train"]
    x, y = digits.take(range(len(digits))), digits.y
    old = ravine.train((x[:900], y[:900]), name="reader", model="convnet(width=8)", epochs=5, quiet=True)

    x, odd = x[900:], y[900:] % 2
    few = np.concatenate([np.flatnonzero(odd == kind)[:labelled] for kind in (0, 1)])
    rest = np.setdiff1d(np.arange(len(x)), few)
    names = np.array(["even", "odd"])
    return old.path, {"x": x[few], "y": odd[few], "x_test": x[rest], "y_test": odd[rest], "classes": names}


weights, source = sys.argv[1:] if len(sys.argv) == 3 else digits_and_a_few_odd_and_even_ones()

# First the new head alone, then everything, each block at 0.8 of the rate of the one after it: a table says what is
# trained when. `gradual=True`, `freeze="all but head"`, `bn="stats"` and others change it. Two ways are compared:
# without a clock both get as many epochs.
tuned = ravine.finetune(weights, source, name="tuned", test=0.2, budget="none")

# The same network without the pretrained weights, and the same images in the same order.
scratch = ravine.train(source, name="scratch", model=tuned.recipe.model, test=0.2, budget="none", quiet=True)

for name, run in (("fine-tuned", tuned), ("from scratch", scratch)):
    test = run.summary["best"]["test"]
    low, high = test["accuracy_interval"]
    print(f"{name:12} {test['accuracy']:6.1%}   95% interval {low:.1%} to {high:.1%}, {test['n']} test images")

# Which of its blocks serve the new images? `ravine transfers` trains to find out; a probe needs seconds.
for block in ravine.probe(weights, source, block="all", quiet=True).blocks:
    print(f"{block.block:10} linear probe {block.linear}")
