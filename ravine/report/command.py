"""The command that trained a run, as one would type it again."""

import shlex
from collections.abc import Sequence
from pathlib import PurePath


def command(argv: Sequence[str]) -> str:
    """`sys.argv` quoted for a shell; empty where Python was used without a script, as in a notebook.

    >>> command(["/home/me/bin/ravine", "train", "my photos/", "--epochs", "20"])
    "ravine train 'my photos/' --epochs 20"
    """
    if not argv:
        return ""
    program, *rest = argv
    path = PurePath(program)
    if path.name == "ravine":
        return shlex.join(["ravine", *rest])
    if path.parts[-2:] == ("ravine", "__main__.py"):
        return shlex.join(["python", "-m", "ravine", *rest])
    if program in ("", "-c", "-m") or "ipykernel" in program:
        return ""
    return shlex.join(["python", program, *rest])
