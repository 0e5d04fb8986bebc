"""`approvals completion`: print the script that completes commands in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script for a shell.

    Add the line for your shell to its settings. For fish, run it once.

    \b
    ~/.bashrc:  eval "$(approvals completion bash)"
    ~/.zshrc:   eval "$(approvals completion zsh)"
    fish:       approvals completion fish > ~/.config/fish/completions/approvals.fish
    """  # noqa: D301  # click's mark for lines that stay as they are
    completion = get_completion_class(shell)
    if completion:
        group = click.get_current_context().find_root().command
        click.echo(completion(group, {}, "approvals", "_APPROVALS_COMPLETE").source())
