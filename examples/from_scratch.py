"""From a folder of images to a network, and how good it is.

python examples/from_scratch.py             the handwritten digits, in seconds
python examples/from_scratch.py photos/     a folder of images per class (or a .zip, or an .npz with x and y)
"""

import sys

import ravine
from ravine import data

source = sys.argv[1] if len(sys.argv) > 1 else "digits"

# A fifth is held out as a test set unless the data has one; it is scored once, at the end. The same call again takes an
# interrupted training up where it was, and returns a finished one.
run = ravine.train(source, test=0.2)

for which in ("best", "last"):
    score = run.summary[which]["test"]
    low, high = score["accuracy_interval"]
    print(f"{which:5} {score['accuracy']:.1%} of {score['n']:,} test images (95% interval {low:.1%} to {high:.1%})")

for confusion in run.summary["worst_confusions"][:3]:
    print("{count} x {true} taken for {predicted}".format(**confusion))

# What the training learned is one file. It knows its classes, and how images are brought to the pixels it is used to:
# `predict` takes paths of photos as well as pixels.
network = ravine.load(run.path / "weights" / "best.safetensors")
pictures = data.load(source).splits["train"].take(range(3))
for answer in network.predict(pictures, top=2):
    print(", ".join(f"{name} {p:.1%}" for name, p in zip(answer.classes, answer.probabilities, strict=True)))

print(f"everything on one page: {run.path / 'report.html'}")
