"""Train several networks, average their answers: what does it gain, and is it worth it?

python examples/ensemble.py             the handwritten digits
python examples/ensemble.py photos/     your own
"""

import sys

import ravine
from ravine import data

source = sys.argv[1] if len(sys.argv) > 1 else "digits"
# The digits are easy. A network of 16 hidden units leaves something to gain.
small = {"model": "mlp(hidden=[16])", "epochs": 10} if source == "digits" else {}

# Five members side by side, each with a beginning and an order of images of its own.
run = ravine.train(source, members=5, test=0.2, **small)

report = run.summary["ensemble"]
print(report["verdict"])
for size in report["by_members"]:  # each the mean over all choices of so many members
    print(f"{size['members']} of them: {size['accuracy']:.1%}")

# Members that learned the same from different beginnings make different mistakes. So where they disagree, the answer is
# not to be relied on, and a person should look.
held_out = data.with_validation(data.load(source), run.recipe.val, run.recipe.test, run.recipe.seed)
answers = run.best.answers(held_out, "test")
said = answers.probabilities.argmax(2)  # [members, images]
agreed = (said == said[0]).all(0)
right = answers.vote.argmax(1) == answers.labels
for of, which in (("all agree", agreed), ("they disagree", ~agreed)):
    if which.any():
        print(f"where {of}: {right[which].mean():.1%} of {which.sum()} test images are right")
