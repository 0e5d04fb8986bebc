"""Digests of what a path leads to: the content of a file, or of everything in a folder. Symbolic links are followed."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from approvals.requests.codec import canonical

MAX_FILES = 100_000
"""Files and folders of one command: more would take minutes, at every reading."""

MAX_DEPTH = 100
"""Levels of folders."""

_NO_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG})
"""Errors that say that there is no such file. Any other says nothing about the content."""


class NoDigestError(Exception):
    """Nobody can say what the content is. The text names the path and what is wrong with it."""


@dataclass
class DigestReader:
    """Reads the digests of one command's files."""

    _left: int = field(default_factory=lambda: MAX_FILES)

    def read(self, path: str) -> str | None:
        """Return the digest of a path: `sha256:…` of a file's content, `folder-sha256:…`, or None if there is nothing.

        That of a folder is of the canonical JSON of an object with the digest of each entry by its name. Raises
        `NoDigestError`.
        """
        return self._read(path, ())

    def _read(self, path: str, inside: tuple[tuple[int, int], ...]) -> str | None:
        self._left -= 1
        if self._left < 0:
            raise NoDigestError(f"{path} is one of more than {MAX_FILES:,} files, which is the maximum")
        try:
            found = Path(path).stat()
            if not stat.S_ISDIR(found.st_mode):
                return _of_file(path, found.st_mode)
            identity = (found.st_dev, found.st_ino)
            if identity in inside or len(inside) >= MAX_DEPTH:
                raise NoDigestError(f"{path} contains itself, or is nested deeper than {MAX_DEPTH} folders")
            return self._of_folder(path, (*inside, identity))
        except OSError as error:
            if error.errno in _NO_FILE:
                return None
            raise NoDigestError(f"can't read {path}: {error.strerror}") from error

    def _of_folder(self, path: str, inside: tuple[tuple[int, int], ...]) -> str:
        with os.scandir(path) as entries:
            paths = {each.name: each.path for each in entries}
        try:
            text = canonical({name: self._read(each, inside) for name, each in paths.items()}).encode()
        except UnicodeEncodeError as error:
            raise NoDigestError(f"{path!a} has a file whose name is not UTF-8") from error
        # A name of its own: a file with this text must not pass for the folder.
        return f"folder-sha256:{hashlib.sha256(text).hexdigest()}"


def _of_file(path: str, mode: int) -> str:
    _check_regular(path, mode)
    # Should the file be replaced by a pipe now: opening it must not wait for a writer.
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        _check_regular(path, os.fstat(file.fileno()).st_mode)
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _check_regular(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NoDigestError(f"{path} is a pipe, a socket or a device, which has no fixed content. Write it to a file")
