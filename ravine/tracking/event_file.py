"""TensorBoard's own file: a row of records, each an event with a step, that is only ever appended to."""

import io
import time
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # pyright: ignore[reportAttributeAccessIssue]  made at run time
from tensorboard.summary.writer.record_writer import RecordWriter

from ravine.checkpoints.durable import saving, write_synced


class EventFile:
    """A new file in a folder of logs, that goes on where the older ones are.

    Unlike torch's SummaryWriter it needs no thread, what is flushed survives a power cut, and its name is a number, not
    a time: files are read in the order of their names, whatever the clock said when they were begun.

    Args:
        folder: of all files of a run; made where there is none.
        purge_step: what the older files have at this step and later is shown no more.

    Raises:
        SaveError: as `flush`.
    """

    def __init__(self, folder: Path, purge_step: int = 0):
        with saving(folder):
            folder.mkdir(exist_ok=True)
            self.path = folder / f"events.out.tfevents.{len(list(folder.iterdir())) + 1:06d}"
        self._pending = io.BytesIO()
        self._records = RecordWriter(self._pending)
        self._write(file_version="brain.Event:2")
        self._write(step=purge_step, session_log=SessionLog(status=SessionLog.START))

    def add(self, summary: Any, step: int) -> None:
        """Adds what a function of `torch.utils.tensorboard.summary` has made."""
        self._write(step=step, summary=summary)

    def flush(self) -> None:
        """Appends to the file what was added. Raises SaveError where that fails."""
        with saving(self.path):
            write_synced(self.path, [self._pending.getvalue()], "ab")
        self._pending.seek(0)
        self._pending.truncate()

    def _write(self, **fields: Any) -> None:
        self._records.write(Event(wall_time=time.time(), **fields).SerializeToString())
