"""Every random number is a pure function of (seed, member, purpose, epoch, step); there is no generator to save.

A run that is resumed at step 1,234 makes the draws of step 1,234, without replaying the ones before; member k of a
population makes the draws of a single run; and two recipes with the same seed meet the same order and the same noise.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import torch


def number(seed: int, member: int, purpose: str, epoch: int = 0, step: int = 0) -> int:
    """A number in [0, 2**63) that depends on all five and on nothing else.

    A change of one argument gives an unrelated number (BLAKE2b), where `seed + step` would make run 1 repeat run 0
    shifted by one. torch's CPU generator keeps the low 32 bits.
    """
    text = f"{seed}/{member}/{purpose}/{epoch}/{step}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little") >> 1


def generator(
    seed: int, member: int, purpose: str, epoch: int = 0, step: int = 0, *, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A torch generator for one purpose ("order", "flip") at one step of one member.

    >>> torch.randperm(4, generator=generator(0, 0, "order", epoch=3)).tolist()
    [1, 3, 2, 0]
    """
    return torch.Generator(device).manual_seed(number(seed, member, purpose, epoch, step))


@contextmanager
def own_generators() -> Iterator[None]:
    """Inside the block torch's global generators may be seeded at will; the caller's are as before afterwards."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() and torch.cuda.is_initialized() else ()
    with torch.random.fork_rng(devices=devices):
        yield


def seed_global(seed: int, member: int, purpose: str, epoch: int = 0, step: int = 0) -> None:
    """Seeds torch's global generators; for use inside `own_generators`, where `seeded` at each step costs too much.

    One by one, since `torch.manual_seed` takes 1.7 ms where there is no GPU: it notes the call, with a stack trace, for
    a GPU that might come.
    """
    value = number(seed, member, purpose, epoch, step)
    torch.default_generator.manual_seed(value)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(value)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(value)


@contextmanager
def seeded(seed: int, member: int, purpose: str, epoch: int = 0, step: int = 0) -> Iterator[None]:
    """Seeds torch's global generators inside the block, for modules that draw without being asked (dropout, inits).

    The caller's generators are as before afterwards.
    """
    with own_generators():
        seed_global(seed, member, purpose, epoch, step)
        yield
