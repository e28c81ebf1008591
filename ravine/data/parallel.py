"""Spreads decoding over threads, and only where that helps."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

# Bytes. Python's lock is free while pixels are decoded, but small ones are done before another thread takes it up.
# Measured for a JPEG on one and on two threads, 2 cores: 1 kB 17 and 18 us, 2 kB 38 and 32, 4 kB 73 and 51, 7 kB 130
# and 79, 21 kB 710 and 409.
_SMALL = 2**11


def in_order(work: Callable[[int, int], Any], n: int, step: int, threads: int) -> Iterator[Any]:
    """`work(start, stop)` for the spans of `step` in 0..n, done by threads a few spans ahead, results in order."""
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[Any]] = deque()
        for start in range(0, n, step):
            ahead.append(pool.submit(work, start, min(start + step, n)))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def threads_for(sizes: np.ndarray) -> int:
    """The number of threads that is fastest for image files of these sizes, int64 `[N]` bytes."""
    return 1 if len(sizes) == 0 or sizes.mean() < _SMALL else os.cpu_count() or 1
