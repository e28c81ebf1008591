"""Your own network and your own loop, with single pieces of ravine: each is an ordinary PyTorch thing and can go alone.

python examples/own_loop.py          at a rate that suits
python examples/own_loop.py 0.3      at one that does not: see what is said of it
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F

from ravine import data
from ravine.augmentation import Pipeline, Rotate, Translate
from ravine.interval import wilson
from ravine.optimization import EMA, AdamW, one_cycle, recompute_statistics
from ravine.regularization import Dropout, l2, penalize
from ravine.traps import Facts, Watch, dead_units, gradient_flow

EPOCHS, BATCH, RATE = 6, 32, float(sys.argv[1]) if len(sys.argv) > 1 else 3e-3
torch.manual_seed(0)


def tensors(split):
    """uint8 images [N, C, H, W] and labels [N]."""
    return torch.from_numpy(split.take(range(len(split)))), torch.from_numpy(split.y)


splits = data.with_validation(data.load("digits"), 0.2, 0.0, seed=0).splits  # a fifth of each class held out
(x, y), (x_val, y_val) = tensors(splits["train"]), tensors(splits["val"])
pixels = x.float()
mean, std = [pixels.mean().item()], [pixels.std().item()]

model = nn.Sequential(
    *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
    *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Flatten(), Dropout(0.3), nn.Linear(32 * 4 * 4, 10)),
)
rule = AdamW(model.parameters(), lr=RATE, decay=0.01)  # a torch.optim.Optimizer
factor = one_cycle(warmup=0.3)  # of progress, 0 to 1: it cannot be stepped wrongly
augment = Pipeline([Translate(1), Rotate(5)], mean=mean, std=std)  # uint8 in, normalised float32 out, one resample
clean = Pipeline([], mean=mean, std=std)
penalty, average = l2(1e-4), EMA(model.parameters(), decay=0.98)
watch = Watch(Facts(classes=10, lr=RATE, val=len(x_val), epochs=EPOCHS))  # for the lecture's traps
sample = clean(x[:128])


def judged():
    """Loss and share of right answers on the validation images."""
    with torch.no_grad():
        logits = model.eval()(clean(x_val))
        return F.cross_entropy(logits, y_val).item(), (logits.argmax(1) == y_val).float().mean().item()


steps = len(x) // BATCH
for epoch in range(EPOCHS):
    model.train()
    order, total = torch.randperm(len(x)), 0.0
    for step in range(steps):
        rows = order[step * BATCH : (step + 1) * BATCH]
        rule.param_groups[0]["lr"] = RATE * factor((epoch * steps + step) / (EPOCHS * steps))
        rule.zero_grad()
        loss = F.cross_entropy(model(augment(x[rows])), y[rows])
        loss.backward()
        penalize(model, penalty)  # adds the gradient of the penalty
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        rule.step()
        average.update()
        total += loss.item()
    val_loss, accuracy = judged()
    print(f"epoch {epoch + 1}: loss {total / steps:.4f}, validation {val_loss:.4f}, {accuracy:.1%}")

    # A trap is said once, with its evidence and one thing to do. What a row does not have is not looked for.
    row = {"epoch": epoch + 1, "train/loss": total / steps, "val/loss": val_loss, "val/accuracy": accuracy}
    row |= {"dead_units": dead_units(model, sample), "gradient_flow": gradient_flow(model, sample, y[:128])}
    for trap in watch.epoch(row):
        print(f"  {trap}")

with average.applied(), torch.no_grad():  # the averaged weights, with batch norm's statistics of their own
    recompute_statistics(model, (clean(x[i : i + BATCH]) for i in range(0, len(x), BATCH)))
    right = round(judged()[1] * len(y_val))
low, high = wilson(right, len(y_val))
print(f"averaged weights: {right / len(y_val):.1%} (95% interval {low:.1%} to {high:.1%})")
