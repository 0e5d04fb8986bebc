"""Clean-up: removes what the command made, in reverse order, whatever happened in between."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cli.aws_errors import explain
from cli.verify.proofs import Proof, failed, ok

Made = TypeVar("Made")

NAME = "clean-up"

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class _Leftover:
    """What was made, how to remove it, and the command that does the same."""

    what: str
    remove: Callable[[], object]
    command: str


@dataclass
class CleanUp:
    """Keeps what was made until `run` removes it."""

    _made: list[_Leftover] = field(default_factory=list)

    def make(
        self, what: str, make: Callable[[], Made], undo: Callable[[Made], tuple[Callable[[], object], str]]
    ) -> Made:
        """Make something and keep how to remove it. `undo` returns the call and the command that remove it.

        An interrupt waits until both are done: nothing is made that is not removed.
        """
        with _deferred():
            made = make()
            remove, command = undo(made)
            self._made.append(_Leftover(what, remove, command))
        return made

    def run(self) -> list[Proof]:
        """Remove everything, the newest first. A failure stops nothing, and neither does an impatient Ctrl-C."""
        with _handled_by(signal.SIG_IGN):
            made, self._made = self._made[::-1], []
            return list(_removed(made))


def _removed(made: list[_Leftover]) -> Iterator[Proof]:
    removed = []
    for each in made:
        try:
            each.remove()
        except (ClientError, BotoCoreError) as error:
            yield failed(NAME, f"{each.what} could not be removed: {explain(error)}", each.command)
        else:
            removed.append(each.what)
    if removed:
        yield ok(NAME, f"stopped or removed: {', '.join(removed)}")


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the command as Ctrl-C does."""
    with _handled_by(_interrupt):
        yield


@contextmanager
def _deferred() -> Iterator[None]:
    """Keep an interrupt until the end, then raise `KeyboardInterrupt`."""
    noted: list[int] = []
    with _handled_by(lambda number, _frame: noted.append(number)):
        yield
    if noted:
        raise KeyboardInterrupt


@contextmanager
def _handled_by(handler: Any) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _ENDINGS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
