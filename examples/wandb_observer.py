"""Weights & Biases watches a training. pip install wandb; then

python examples/wandb_observer.py digits                         after `wandb login`
WANDB_MODE=offline python examples/wandb_observer.py digits      without an account
"""

import sys
from dataclasses import asdict

import wandb

import ravine


class WandB(ravine.Observer):
    def begin(self, run):
        kept = run.path / "wandb.txt"  # a run that is taken up goes on with its wandb run
        known = kept.read_text() if kept.exists() else None
        self.run = wandb.init(project="ravine", id=known, resume="allow", name=run.path.name, config=asdict(run.recipe))
        kept.write_text(self.run.id)

    def epoch(self, row, times, weights):
        self.run.log({**row, **times}, step=row["epoch"])

    def end(self, run):
        self.run.summary["accuracy"] = run.summary["accuracy"]
        self.run.finish()


if __name__ == "__main__":
    run = ravine.train(sys.argv[1] if len(sys.argv) > 1 else "digits", observers=[WandB()])
    print(f"{run.path}: {run.summary['accuracy']:.1%}")
