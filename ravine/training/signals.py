"""SIGINT and SIGTERM ask a training to end; it answers at the next step, when everything is saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class StopRequest:
    """`number` is the signal that asked, None while none has."""

    number: int | None = None


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Inside the block SIGINT and SIGTERM only set a flag; a second SIGINT raises KeyboardInterrupt at once.

    Outside the main thread, where Python gives no signals, the flag stays unset. The handlers before are put back.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def handle(number: int, _: Any) -> None:
        if request.number == number == signal.SIGINT:
            raise KeyboardInterrupt
        request.number = number

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
