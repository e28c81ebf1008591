"""Nine losses of two weights, each an example of what goes wrong in a million."""

import math

import torch

from ravine.landscape.surface import Surface

KAPPA = 60.0  # of the ravine: how much steeper it is across than along
_SHALLOW, _BARRIER, _DEEP = -1.2, 0.0, 2.0  # of the valley, in x


def ravine(w: torch.Tensor) -> torch.Tensor:
    """`(a^2 + kappa b^2) / 2`, a along the ravine and b across."""
    a, b = _turned(w)
    return (a**2 + KAPPA * b**2) / 2


def saddle(w: torch.Tensor) -> torch.Tensor:
    """`5 y^2 + (x^2 - 1)^2 / 4`: a saddle of height 1/4 at 0, minima at x = +-1."""
    x, y = w.unbind(-1)
    return 5 * y**2 + (x**2 - 1) ** 2 / 4


def plateau(w: torch.Tensor) -> torch.Tensor:
    """`1 - exp(-(x^2 + y^2) / 2)`."""
    return 1 - torch.exp(-(w**2).sum(-1) / 2)


def valley(w: torch.Tensor) -> torch.Tensor:
    """`10 (y - sin(1.5 x) / 2)^2 + g(x) - g(deep)` with `g'(x) = (x - shallow) (x - barrier) (x - deep)`."""
    x, y = w.unbind(-1)
    return 10 * (y - torch.sin(1.5 * x) / 2) ** 2 + _floor(x) - _floor(_DEEP)


def rosenbrock(w: torch.Tensor) -> torch.Tensor:
    """`(1 - x)^2 + 100 (y - x^2)^2`; Rosenbrock, 1960."""
    x, y = w.unbind(-1)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def beale(w: torch.Tensor) -> torch.Tensor:
    """`(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2`; Beale, 1958."""
    x, y = w.unbind(-1)
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def himmelblau(w: torch.Tensor) -> torch.Tensor:
    """`(x^2 + y - 11)^2 + (x + y^2 - 7)^2`; Himmelblau, 1972."""
    x, y = w.unbind(-1)
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def rastrigin(w: torch.Tensor) -> torch.Tensor:
    """`sum(w^2 - 10 cos(2 pi w) + 10)`; Rastrigin, 1974."""
    return (w**2 - 10 * torch.cos(2 * math.pi * w) + 10).sum(-1)


def bowl(w: torch.Tensor) -> torch.Tensor:
    """`(a^2 + 8 b^2) / 2`, less askew than it is round."""
    a, b = _turned(w)
    return (a**2 + 8 * b**2) / 2


def _turned(w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Coordinates along and across a direction that rises by 20 degrees."""
    x, y = w.unbind(-1)
    c, s = math.cos(math.pi / 9), math.sin(math.pi / 9)
    return c * x + s * y, c * y - s * x


def _floor(x):
    """The valley's floor: `g'(x) = (x - shallow) (x - barrier) (x - deep)`."""
    a, b, c = _SHALLOW, _BARRIER, _DEEP
    return x**4 / 4 - (a + b + c) * x**3 / 3 + (a * b + b * c + c * a) * x**2 / 2 - a * b * c * x


SURFACES = (
    Surface(
        key="ravine",
        title="A ravine",
        trap="ill-conditioning",
        sentences=f"The walls are {KAPPA:.0f} times as steep as the floor and bound SGD's rate: it zigzags across, "
        "then crawls along. Momentum cancels what alternates and adds up what agrees; AdaGrad, RMSProp and Adam "
        "stretch each axis by itself, which helps the first two the less the more the ravine lies askew.",
        function=ravine,
        start=(-3.3, 0.1),
        window=(-4, 4, -3, 3),
        minima=((0, 0),),
        steps=120,
    ),
    Surface(
        key="saddle",
        title="A saddle",
        trap="saddle point",
        sentences="SGD and momentum slide down to the pass, where the slope is almost nothing: plain SGD stays there "
        "for half the race, momentum leaves sooner. AdaGrad, RMSProp and Adam divide by the size of past gradients, so "
        "that a tiny slope sideways counts as much as a steep one ahead: they never come near the pass.",
        function=saddle,
        start=(1e-4, 1.2),
        window=(-2, 2, -1.5, 1.5),
        minima=((-1, 0), (1, 0)),
        steps=100,
    ),
    Surface(
        key="plateau",
        title="A plateau",
        trap="vanishing gradient",
        sentences="Far from the bowl the slope is three in ten thousand: SGD hardly moves at any rate that it could "
        "land with, and momentum needs a third of the race and more to gather speed. AdaGrad, RMSProp and Adam stride "
        "in, because the length of their steps does not depend on the slope.",
        function=plateau,
        start=(-3.77, -2.26),
        window=(-5, 3, -3.5, 2.5),
        minima=((0, 0),),
        steps=150,
    ),
    Surface(
        key="valley-with-local-minimum",
        title="A valley with a local minimum",
        trap="local minimum",
        sentences="On the way down lies a shallow hollow, and nearly every rule stays there, Adam and Nesterov's "
        "momentum among them. Plain momentum, a heavy ball, rolls through and over the rise to the deep one; set its "
        "momentum to 0.5 and it stays too.",
        function=valley,
        start=(-2.2, 0.4),
        window=(-3, 3.4, -2.4, 2.4),
        minima=tuple((x, math.sin(1.5 * x) / 2) for x in (_SHALLOW, _DEEP)),
        steps=150,
    ),
    Surface(
        key="rosenbrock",
        title="Rosenbrock's banana",
        trap="curved ravine",
        sentences="The valley is found in a few steps and its end only in hundreds, if at all, for the way along its "
        "floor keeps turning. What momentum has gathered in one direction helps in the next; AdaGrad has used up its "
        "steps on the first wall.",
        function=rosenbrock,
        start=(-1.5, 1.6),
        window=(-2, 2, -0.8, 2.2),
        minima=((1, 1),),
        steps=300,
    ),
    Surface(
        key="beale",
        title="Beale's basin",
        trap="steep walls, flat floor",
        sentences="Slopes differ by a factor of thousands between the corners and the basin, so that a rate safe "
        "at the start is slow at the end. Raise the rate and see who is thrown out first.",
        function=beale,
        start=(1.0, 1.5),
        window=(-0.5, 4.3, -1.5, 2.1),
        minima=((3, 0.5),),
        steps=200,
    ),
    Surface(
        key="himmelblau",
        title="Himmelblau's four minima",
        trap="many equal minima",
        sentences="From near the top of a hill there are four ways down, all equally good, and rule and rate decide "
        "which one is taken. Networks are like that: two trainings end in different places of about the same loss.",
        function=himmelblau,
        start=(0.0, -0.92),
        window=(-6, 6, -4.5, 4.5),
        minima=((3, 2), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)),
        steps=100,
    ),
    Surface(
        key="rastrigin",
        title="Rastrigin's egg box",
        trap="many local minima",
        sentences="A bowl under a grid of hollows: every rule ends in one of them, and long steps only lead to another "
        "one. No gradient tells a good hollow from a bad one.",
        function=rastrigin,
        start=(-3.3, 2.4),
        window=(-5, 5, -3.75, 3.75),
        minima=((0, 0),),
        steps=150,
    ),
    Surface(
        key="noisy",
        title="Mini-batch noise",
        trap="noisy gradient",
        sentences="Each gradient comes from a mini-batch, and all rules meet the same noise: they come close to the "
        "minimum and then wander around it, so that the loss beside a rule is that of one moment. On average SGD, "
        "momentum and Adam wander the wider the higher the rate; lower it and they stay nearer but arrive later, which "
        "is why rates are lowered as training goes on.",
        function=bowl,
        start=(-3.4, 1.4),
        window=(-4, 4, -3, 3),
        minima=((0, 0),),
        steps=300,
        sigma=4.0,
    ),
)
