"""A zip is read in place: its directory gives the tree, and an image is unpacked in memory when its turn comes."""

import zipfile
from pathlib import Path

from ravine.data.tree import Folder, is_ignored, is_image
from ravine.errors import DataError

MAX_BYTES = 2**30  # of one image file; the largest image that decoding allows is half of that without compression


class Zip:
    """An open zip file; the stamp of an entry is its CRC-32, so a copy or a new download is still the same data.

    Raises:
        DataError: not a zip, or one that is encrypted, leads outside itself or declares absurd sizes.
    """

    def __init__(self, path: Path):
        try:
            self._file = zipfile.ZipFile(path)
        except Exception as error:  # hostile directories raise BadZipFile, struct.error, ValueError, ...
            raise DataError(f"cannot be read as a zip ({error})", where=str(path), cure="Is it complete?") from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self.trouble: list[str] = []
        for entry in self._file.infolist():
            self._add(entry, str(path))

    def _add(self, entry: zipfile.ZipInfo, where: str) -> None:
        name = entry.filename.replace("\\", "/")  # some Windows tools write them so
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or name[1:2] == ":":
            raise DataError(f"entry {name!r} leads outside the zip", where=where, expected="plain relative names")
        parts = [part for part in parts if part not in ("", ".")]
        if any(is_ignored(part) for part in parts):
            return
        if entry.flag_bits & 0x1:
            raise DataError(f"entry {name!r} is encrypted", where=where, cure="Unpack it with its password first")
        if is_image(name) and entry.file_size > MAX_BYTES:
            size = f"entry {name!r} says it is {entry.file_size:,} bytes long"
            raise DataError(size, where=where, expected=f"at most {MAX_BYTES:,} for one image")
        name = "/".join(parts) + "/" * name.endswith("/")
        if name in self._entries and not name.endswith("/"):
            self.trouble.append(f"{name}: twice in the zip, the last one counts")
        self._entries[name] = entry

    def tree(self) -> Folder:
        """The folders and files in the zip."""
        made = {"": Folder()}
        for name, entry in self._entries.items():
            at, _, file_name = name.rpartition("/")
            folder = made.get(at) or _make(at, made)
            if file_name:
                folder.files.append((file_name, entry.file_size, entry.CRC))
        return made[""]

    def read(self, name: str, limit: int = -1) -> bytes:
        """The unpacked bytes of an entry, at most `limit` of them; can be called from several threads.

        Raises:
            OSError, zipfile.BadZipFile, ...: the entry is damaged; a wrong CRC is noticed when it is read to its end.
        """
        with self._file.open(self._entries[name]) as stream:
            return stream.read(limit)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def _make(path: str, made: dict[str, Folder]) -> Folder:
    folder = made[""]
    for part in path.split("/"):
        folder = folder.folders.setdefault(part, Folder())
    made[path] = folder
    return folder
