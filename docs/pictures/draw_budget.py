"""Draws docs/pictures/budget.svg: accuracy against wall time on CIFAR-10, ravine's budgets and other systems.

python docs/pictures/draw_budget.py

The numbers are those of benchmarks/RESULTS.md, "a budget of time".
"""

import math
from pathlib import Path

from ravine.drawing import dressed, grid, path, scale, svg, text

# seconds from the start of the process to its end; accuracy on the 10,000 test images
RAVINE = [  # and the mean, the least and the most of 3 seeds
    (59.8, 0.825, 0.824, 0.826),
    (99.7, 0.846, 0.842, 0.849),
    (297.8, 0.878, 0.876, 0.880),
    (1190.9, 0.898, 0.896, 0.899),
]
PEERS = [
    ("PyTorch tutorial's CNN", 174, 0.510),
    ("timm, ResNet-18 at 32 px", 248, 0.477),
    ("Keras, small CNN", 276, 0.596),
    ("fastai, xresnet18, one cycle", 207, 0.636),
    ("airbench94's recipe by hand", 103, 0.817),
    ("airbench94's, twice as wide", 293, 0.863),
]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 400, 60, 20, 50, 45
TICKS = [(30, "30 s"), (60, "1 min"), (100, "100 s"), (180, "3 min"), (300, "5 min"), (600, "10 min"), (1200, "20 min")]
STYLE = ".chart .own { --own: var(--accent); }"


def main() -> None:
    low, high, ticks = scale([accuracy for _, _, accuracy in PEERS] + [most for *_, most in RAVINE])
    first, last = math.log(45), math.log(RAVINE[-1][0] * 1.6)

    def x(seconds: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (math.log(seconds) - first) / (last - first), 1)

    def y(accuracy: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (high - accuracy) / (high - low), 1)

    title = "CIFAR-10 on two cores: test accuracy against wall time"
    parts = [text(LEFT - 45, 28, title, kind="strong"), *grid(ticks, y, LEFT, WIDTH - RIGHT)]
    parts += [text(x(s), HEIGHT - 18, said, "middle") for s, said in TICKS if first <= math.log(s) <= last]
    parts += [f'<path class="line own" d="{path((x(s), y(mean)) for s, mean, *_ in RAVINE)}"/>']
    for s, mean, least, most in RAVINE:
        parts += [f'<path class="line own" d="M{x(s)} {y(least)}V{y(most)}"/>']
        parts += [f'<circle class="own" cx="{x(s)}" cy="{y(mean)}" r="5"/>']
        parts += [text(x(s), y(most) - 12, f"ravine {100 * mean:.1f}%", "middle", "name own")]
    for name, s, accuracy in PEERS:
        parts += [f'<circle cx="{x(s)}" cy="{y(accuracy)}" r="4"/>']
        parts += [text(x(s) + 9, y(accuracy) + 4, f"{name} {100 * accuracy:.1f}%")]
    chart = svg("budget", WIDTH, HEIGHT, title, parts)
    Path(__file__).with_name("budget.svg").write_text(dressed(chart, STYLE), encoding="utf-8")


if __name__ == "__main__":
    main()
