"""What an ensemble costs, beside what it gains."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """What the members cost, as it was measured.

    Attributes:
        parameters: weights of each member, K numbers.
        training: seconds that training all of them took (data and compute); None where it is not known.
        trained: members that were trained in that time, where there are more than vote (a pool to select from).
        images: as many were predicted at once to measure the following.
        one, all: seconds that the first member took for them, and all members, one after another; the best of three.
        device: where.
    """

    parameters: tuple[int, ...]
    training: float | None
    images: int
    one: float
    all: float
    device: str
    trained: int | None = None
