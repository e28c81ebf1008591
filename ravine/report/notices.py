"""What was decided, skipped, substituted or fell back: the lines that the training said, as log.txt keeps them.

log.txt is made for people, and it is the one place where all that was said is kept, in order. Of it are left out the
line of each epoch, which the curves show, and what was said again when the run was taken up.
"""

import re
from collections.abc import Collection

from ravine.data.findings import shown

_EPOCH = re.compile(r"epoch +\d+/\d+ ")


def notices(log: bytes, elsewhere: Collection[str] = ()) -> tuple[str, ...]:
    """The lines of a log.txt that are no epoch's, each once.

    Args:
        log: the file's content; bytes that are no UTF-8 are escaped.
        elsewhere: texts of warnings that the report shows at another place.
    """
    lines = (shown(line) for line in log.decode("utf-8", "surrogateescape").split("\n"))
    left_out = {"", *(f"warning: {text}" for text in elsewhere)}
    return tuple(line for line in dict.fromkeys(lines) if line not in left_out and not _EPOCH.match(line))
