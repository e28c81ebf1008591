"""Whatever goes wrong in a command becomes one line on stderr and an exit code; a traceback only with --debug."""

import os
import signal
import sys
from collections.abc import Callable

from ravine.errors import Interrupted, MemoryExhaustedError, RavineError


def guarded(command: Callable[[], int], debug: bool) -> int:
    """Runs `command`; returns its exit code, or that of what it raised."""
    try:
        code = command()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # `ravine ... | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        if debug:
            raise
        known = _known(error)
        print(known if isinstance(known, Interrupted) else f"error: {known}", file=sys.stderr)
        return known.exit_code


def _known(error: Exception) -> RavineError:
    if isinstance(error, RavineError):
        return error
    text = str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text:
        return MemoryExhaustedError("out of memory", expected="less at once", cure="Halve --batch, or a smaller --size")
    return RavineError(f"internal: {type(error).__name__}: {text}", cure="Run again with --debug for the traceback")
