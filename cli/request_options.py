"""Options of `approvals request`: one for each key of the request's JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from approvals.domain.model import Action, Json, Presence
from approvals.requests.schema import load

WITHOUT_OPTION = frozenset({"Form", "MoreTime"})
"""Keys that have no option, because a file says them better."""

_OWN: Mapping[str, Mapping[str, Any]] = {
    "Facts": {"name": "--fact", "metavar": "LABEL=VALUE", "help": "A fact to show. Repeatable."},
    "Links": {"name": "--link", "metavar": "LABEL=URL", "help": "A link to show. Repeatable."},
    "Severity": {"help": "high asks twice."},
    "Approvers": {
        "name": "--approver",
        "help": "Who may answer: an email address, a Slack user or user group id. Repeatable.",
    },
    "RequiredApprovals": {"help": "How many people must approve."},
    "RequiredRejections": {"help": "How many people must reject to reject it."},
    "AllowSelfApproval": {"help": "Whoever asks may answer, too."},
    "Notify": {"help": "Who is told, too. Repeatable."},
    "Channel": {"help": "The Slack channel to ask in, by its id."},
    "Comment": {
        "multiple": True,
        "metavar": "ANSWER=PRESENCE",
        "help": "Whether a comment goes with an answer: reject=required, approve=off, … Repeatable.",
    },
    "TimeoutMinutes": {"metavar": "MINUTES", "help": "Minutes until it expires.  [default: the stack's]"},
    "OnTimeout": {"help": "What silence means."},
    "Reminders": {
        "name": "--reminder",
        "type": click.IntRange(min=1),
        "multiple": True,
        "metavar": "MINUTES",
        "help": "Remind after so many minutes. Repeatable.",
    },
    "EscalateTo": {"help": "Who may answer later, too. Repeatable."},
    "EscalateAfterMinutes": {"metavar": "MINUTES", "help": "When they may."},
}
"""What an option has of its own. The schema says the rest: type, choices, and the help if there is none here."""

_KEYS = {key: schema for key, schema in load("request.schema.json")["properties"].items() if key not in WITHOUT_OPTION}


def request_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each key of the request."""
    for key, schema in reversed(_KEYS.items()):
        attributes = {**_attributes(schema), **_OWN.get(key, {})}
        command = click.option(attributes.pop("name", _name(key)), key, **attributes)(command)
    return command


def request_of(options: Mapping[str, Any]) -> dict[str, Json]:
    """Return the keys of the request that options give. Raise click's `UsageError`."""
    converted: dict[str, Json] = {
        **{key: list(value) if isinstance(value, tuple) else value for key, value in options.items() if key in _KEYS},
        "Facts": _pairs(options["Facts"], "--fact", "Value"),
        "Links": _pairs(options["Links"], "--link", "Url"),
        "Comment": _comments(options["Comment"]),
    }
    return {key: value for key, value in converted.items() if value not in (None, [], {})}


def _name(key: str) -> str:
    return "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key).removeprefix("-")


def _attributes(schema: Mapping[str, Any]) -> dict[str, Any]:
    attributes: dict[str, Any] = {"help": schema["description"].partition(". ")[0].removesuffix(".") + "."}
    if "enum" in schema:
        attributes["type"] = click.Choice(schema["enum"])
    elif schema.get("type") == "boolean":
        attributes |= {"is_flag": True, "default": None}
    elif schema.get("type") == "integer":
        attributes |= {"type": click.IntRange(min=1), "metavar": "NUMBER"}
    elif schema.get("type") == "array":
        attributes |= {"multiple": True, "metavar": "WHO"}
    elif schema.get("format") == "person":
        attributes["metavar"] = "WHO"
    return attributes


def _pairs(texts: Sequence[str], option: str, value_key: str) -> list[Json]:
    found: list[Json] = []
    for text in texts:
        label, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"{option} {text!r}: expected a label, = and a value")
        found.append({"Label": label, value_key: value})
    return found


def _comments(texts: Sequence[str]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for text in texts:
        answer, _, presence = text.partition("=")
        if answer not in list(Action) or presence not in list(Presence):
            answers, presences = " or ".join(Action), ", ".join(Presence)
            raise click.UsageError(f"--comment {text!r}: expected {answers}, =, and one of {presences}")
        found[answer.capitalize()] = presence
    return found
