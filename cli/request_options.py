"""Options of `approvals request`: one for each key of the request's JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from approvals.domain.model import Action, Json, Presence
from approvals.requests.schema import load

WITHOUT_OPTION = frozenset({"Form", "MoreTime"})
"""Keys without an option: a file is the better place for them."""

_TEXTS: Mapping[str, tuple[str, str | None, str]] = {
    "Facts": ("--fact", "LABEL=VALUE", "A fact to show. Repeatable."),
    "Links": ("--link", "LABEL=URL", "A link to show. Repeatable."),
    "RequestedBy": ("--requested-by", "WHO", "Who asks: an email address or a Slack user id."),
    "Severity": ("--severity", None, "high asks twice."),
    "Approvers": ("--approver", "WHO", "Who may answer: an email address, a Slack user or user group id. Repeatable."),
    "Groups": (
        "--group",
        "NAME[:NUMBER]=WHO,…",
        "A group of which NUMBER (1) must approve: security=ann@example.com,bo@example.com. Repeatable.",
    ),
    "Silent": ("--silent", "WHO", "Who may respond and is not told, named like an approver. Repeatable."),
    "RequiredApprovals": ("--required-approvals", "NUMBER", "How many people must approve."),
    "RequiredRejections": ("--required-rejections", "NUMBER", "How many people must reject to reject it."),
    "AllowSelfApproval": ("--allow-self-approval", None, "Whoever asks may answer, too."),
    "Notify": ("--notify", "WHO", "Who is told, too. Repeatable."),
    "Channel": ("--channel", None, "The Slack channel to ask in, by its id."),
    "Comment": (
        "--comment",
        "ANSWER=PRESENCE",
        "Whether a comment goes with an answer: reject=required, approve=off, … Repeatable.",
    ),
    "TimeoutMinutes": ("--timeout-minutes", "MINUTES", "Minutes until it expires.  [default: the stack's]"),
    "OnTimeout": ("--on-timeout", None, "What silence means."),
    "Reminders": ("--reminder", "MINUTES", "Remind after so many minutes. Repeatable."),
    "EscalateTo": ("--escalate-to", "WHO", "Who may answer later, too. Repeatable."),
    "EscalateAfterMinutes": ("--escalate-after-minutes", "MINUTES", "When they may."),
}
"""Name, metavar and help of an option. Other keys have the schema's."""

_GROUP = re.compile(r"([^:=]+)(?::([0-9]{1,2}))?=(.+)")

_KEYS = {key: schema for key, schema in load("request.schema.json")["properties"].items() if key not in WITHOUT_OPTION}


def request_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add an option for each key of the request."""
    for key, schema in reversed(_KEYS.items()):
        words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key)
        default = (f"-{words}", None, f"{schema['description'].partition('. ')[0].removesuffix('.')}.")
        name, metavar, text = _TEXTS.get(key, default)
        command = click.option(name, key, metavar=metavar, help=text, **_type(key, schema))(command)
    return command


def request_of(options: Mapping[str, Any]) -> dict[str, Json]:
    """Return the keys of the request that options set."""
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items() if key in _KEYS}
    return {key: value for key, value in given.items() if value not in (None, [], {})}


def _type(key: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what click needs to know of a key's values."""
    if key in _PARSERS:
        return {"multiple": True, "callback": _PARSERS[key]}
    if "anyOf" in schema:
        return _type(key, next(each for each in schema["anyOf"] if "items" in each))
    if "enum" in schema:
        return {"type": click.Choice(schema["enum"])}
    if schema["type"] == "array":
        return {"multiple": True, **_type(key, schema["items"])}
    types: dict[str, dict[str, Any]] = {
        "boolean": {"is_flag": True, "default": None},
        "integer": {"type": click.IntRange(min=1)},
    }
    return types.get(schema["type"], {})


def _labeled(value_key: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], list[Json]]:
    def parse(_context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> list[Json]:
        found: list[Json] = []
        for text in texts:
            label, equals, value = text.partition("=")
            if not equals:
                raise click.UsageError(f"{option.opts[0]} {text!r}: expected a label, = and a value")
            found.append({"Label": label, value_key: value})
        return found

    return parse


def _comments(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for text in texts:
        answer, _, presence = text.partition("=")
        if answer not in list(Action) or presence not in list(Presence):
            answers, presences = " or ".join(Action), ", ".join(Presence)
            raise click.UsageError(f"--comment {text!r}: expected {answers}, =, and one of {presences}")
        found[answer.capitalize()] = presence
    return found


def _groups(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> list[Json]:
    found: list[Json] = []
    for text in texts:
        group = _GROUP.fullmatch(text)
        if not group:
            raise click.UsageError(f"--group {text!r}: expected a name, = and approvers with commas between them")
        name, number, names = group.groups()
        required: dict[str, Json] = {"Required": int(number)} if number else {}
        found.append({"Name": name, "Approvers": [each.strip() for each in names.split(",")], **required})
    return found


_PARSERS: Mapping[str, Callable[..., Json]] = {
    "Facts": _labeled("Value"),
    "Links": _labeled("Url"),
    "Comment": _comments,
    "Groups": _groups,
}
