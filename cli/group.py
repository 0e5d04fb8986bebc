"""How `approvals` finds its commands, and turns what goes wrong into one sentence and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import StringIO
from typing import Any

import click

from approvals.domain.characters import reveal
from cli.commands import COMMANDS

USAGE = 64
"""Exit code for what was typed wrong: not click's 2, which says that a request expired. EX_USAGE of sysexits.h."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

FAILED = 3


class Group(click.Group):
    """Loads a command when it is called: `approvals --help` imports none of them, nor AWS's library."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Every command's name."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command, or None when there is none of this name."""
        if name not in COMMANDS:
            return None
        found: click.Command = import_module(f"cli.commands.{name}").command
        return found

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands into the help, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """As click does, with our exit codes."""
        with exit_codes():
            return super().make_context(*args, **extra)

    def invoke(self, context: click.Context) -> Any:
        """As click does, with our exit codes."""
        with exit_codes():
            return super().invoke(context)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Gives every error the exit code that is documented for it. What is nobody's fault but ours shows a traceback."""
    try:
        yield
    except click.UsageError as error:
        shown = StringIO()
        error.show(shown)
        click.echo(reveal(shown.getvalue()), nl=False, err=True)
        raise click.exceptions.Exit(USAGE) from error
    except (KeyboardInterrupt, click.Abort) as error:
        click.echo("Interrupted.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from error
    except BrokenPipeError as error:
        sys.stdout = None  # Whoever read has gone: nothing is left to be flushed to it.
        raise click.exceptions.Exit(FAILED) from error
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception as error:
        from cli.aws_errors import explained  # noqa: PLC0415  # AWS's library takes a while, and --help has no use for it

        sentence = explained(error)
        if sentence is None:
            click.echo(reveal(traceback.format_exc()), err=True)
            sentence = "This is a bug of ours; please report the lines above."
        click.echo(f"Error: {reveal(sentence)}", err=True)
        raise click.exceptions.Exit(FAILED) from error
