"""The action of `approvals run`: a command, the folder that it runs in, and the files that it names, by their content.

Files and folders are those that an argument names as it is, after a `=` or `@`, after `file://` or `fileb://`, or
directly after the letter of a short option (`-fFILE`), and the program itself. What those read or include themselves is
not covered.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from approvals.domain.model import Json
from cli.content_digests import DigestReader, NoDigestError

_BEFORE_A_FILE = re.compile(r"^-[A-Za-z]|[=@]|fileb?://")
"""What can stand in an argument before the name of a file."""

_MAX_NAME = 4096
"""Bytes of a path on Linux. Source: https://man7.org/linux/man-pages/man7/path_resolution.7.html"""


class NotApprovableError(click.UsageError):
    """The command can't be approved: nobody could say what it would read. The text says what to change."""


@dataclass(frozen=True, slots=True)
class CommandAction:
    """A command as an action, and the program to execute."""

    program: str
    words: tuple[str, ...]
    directory: str
    files: dict[str, str]

    @property
    def document(self) -> dict[str, Json]:
        """The action in a request: a file's value is the digest of its content."""
        return {"Command": [*self.words], "Directory": self.directory, "Files": {**self.files}}


def command_action(words: Sequence[str]) -> CommandAction:
    """Return the command as it would be executed now, with its files read now. Raises `NotApprovableError`."""
    directory = _working_directory()
    for text in (*words, directory):
        _check_text(text)
    program = shutil.which(words[0])
    if program is None:
        raise NotApprovableError(f"{words[0]}: no program of this name in PATH.")
    reader = DigestReader()
    try:
        digests = {name: reader.read(name) for name in _names(program, words[1:])}
    except NoDigestError as error:
        raise NotApprovableError(f"The command names a file that can't be approved: {error}.") from error
    return CommandAction(program, tuple(words), directory, {name: each for name, each in digests.items() if each})


def _names(program: str, arguments: Iterable[str]) -> Iterator[str]:
    """Yield the program, and each text that could be the name of a file, once."""
    seen = {"", os.devnull}
    for text in (program, *(name for argument in arguments for name in _names_in(argument))):
        if text not in seen:
            seen.add(text)
            yield text


def _names_in(argument: str) -> Iterator[str]:
    yield argument
    for found in _BEFORE_A_FILE.finditer(argument):
        if len(argument) - found.end() < _MAX_NAME:
            yield argument[found.end() :]


def _working_directory() -> str:
    try:
        return str(Path.cwd())
    except OSError as error:
        raise NotApprovableError(f"Can't find out the working directory: {error.strerror}.") from error


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotApprovableError(f"{text!a} is not UTF-8, so approvers could not read it.") from error
