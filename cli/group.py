"""The group of all commands, which are loaded when called, and the exit codes of errors."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import click
from click.shell_completion import CompletionItem

from approvals.domain.characters import reveal
from cli.commands import COMMANDS, load

FAILED = 3

USAGE = 64
"""Exit code of usage errors: EX_USAGE of sysexits.h. click's own 2 says here that a request expired."""

READS = frozenset({"export", "list", "show"})
"""Commands for which a closed pipe is no failure. The exit code of others lets something pass."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as in shells."""


class Group(click.Group):
    """Loads a command when it is called: `approvals --help` imports no command and no boto3."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Load a command. Return None if there is none with this name."""
        if name not in COMMANDS:
            return None
        return load(name)

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands into the help without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands without loading them, and the options of the group."""
        commands = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, context, incomplete)]

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Parse the arguments, with the product's exit codes."""
        with exit_codes():
            return super().make_context(*args, **extra)

    def invoke(self, context: click.Context) -> Any:
        """Run the command, with the product's exit codes."""
        with exit_codes(context):
            result = super().invoke(context)
            sys.stdout.flush()  # A pipe that is closed is noticed here, and not when Python ends.
            return result


@contextmanager
def exit_codes(context: click.Context | None = None) -> Iterator[None]:
    """Exit with the documented code of each error. An unexpected error shows its traceback."""
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
        sys.stdout = None  # The reader has gone, so nothing can be flushed to it.
        raise click.exceptions.Exit(0 if context and context.invoked_subcommand in READS else FAILED) from error
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception as error:
        from cli.aws_errors import explain  # noqa: PLC0415  # boto3 takes a while to load, and --help does not need it

        sentence = explain(error)
        if sentence is None:
            click.echo(reveal(traceback.format_exc()), err=True)
            sentence = "This is a bug. Please report the lines above."
        click.echo(f"Error: {reveal(sentence)}", err=True)
        raise click.exceptions.Exit(FAILED) from error
