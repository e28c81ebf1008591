"""Commands and flags that several traps advise."""

import shlex

from ravine.traps.trap import Facts


def lr_find(facts: Facts) -> str:
    """The command that measures which rate suits this network, rule and data."""
    words = ["ravine", "lr-find", facts.data]
    for flag in ("model", "optimizer"):
        if facts.used(flag) and not facts.used("pretrained"):
            words += [f"--{flag}", facts.used(flag)]
    if facts.used("pretrained"):
        words += ["--pretrained", facts.used("pretrained")]
    return shlex.join(words)


def more_of(facts: Facts, flag: str, piece: str) -> str:
    """A flag with a piece added to those that are used."""
    pieces = f"{facts.used(flag)}, {piece}" if facts.used(flag) else piece
    return shlex.join([f"--{flag}", pieces])
