"""Options of `approvals request`: one for each key of the request's JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import click

from approvals.domain.model import Action, Json, Presence
from approvals.domain.working_hours import EXAMPLE, parse_working_hours
from approvals.requests.codec import write_hours
from approvals.requests.schema import load
from cli.options import COUNT

WITHOUT_OPTION = frozenset({"Form", "MoreTime"})
"""Keys without an option: a file is the better place for them."""

_TEXTS: Mapping[str, tuple[str, str | None, str]] = {
    "Title": ("--title", None, "The request in one line."),
    "Details": ("--details", None, "Information that approvers need to respond, in Markdown."),
    "Facts": ("--fact", "LABEL=VALUE", "Fact for the approvers. Repeatable."),
    "Links": ("--link", "LABEL=URL", "Link for the approvers. Repeatable."),
    "Action": ("--action", "JSON", "What exactly is approved, as JSON. Approvers see all of it."),
    "Grant": (
        "--grant",
        "USES[:MINUTES]",
        "Let the approval be spent on --action, USES times within MINUTES (default 60) of the decision.",
    ),
    "RequestedBy": ("--requested-by", "WHO", "Requester, who can't respond: email address or Slack user ID."),
    "Kind": ("--kind", None, "question: approvers answer its form instead of approving.  [default: approval]"),
    "Severity": ("--severity", None, "high: approvers confirm their response in a second step.  [default: normal]"),
    "Approvers": (
        "--approver",
        "WHO",
        "Approver: email address, Slack user ID or group ID. Repeatable.  [default: anyone who receives the request]",
    ),
    "Groups": (
        "--group",
        "NAME[:NUMBER][=WHO,…]",
        "Group of which NUMBER (default 1) must approve. Without WHO, a group of the policy. Repeatable.",
    ),
    "Silent": ("--silent", "WHO", "Approver who is not notified. Repeatable."),
    "RequiredApprovals": (
        "--required-approvals",
        "NUMBER",
        "Number of approvals that approve the request.  [default: 1]",
    ),
    "RequiredRejections": (
        "--required-rejections",
        "NUMBER",
        "Number of rejections that reject the request.  [default: 1]",
    ),
    "AllowSelfApproval": ("--allow-self-approval", None, "Let the requester respond."),
    "Notify": ("--notify", "WHO", "Also notify: email address or Slack user ID. Repeatable."),
    "Channel": ("--channel", None, "ID of the Slack channel for the request.  [default: the stack's]"),
    "Comment": (
        "--comment",
        "RESPONSE=PRESENCE",
        "Comment with a response: off, optional or required. Example: reject=required. Repeatable.",
    ),
    "TimeoutMinutes": ("--timeout-minutes", "MINUTES", "Minutes until the request expires.  [default: the stack's]"),
    "OnTimeout": ("--on-timeout", None, "What happens at the deadline without a decision.  [default: expire]"),
    "Reminders": ("--reminder", "MINUTES", "Send a reminder this many minutes after the request. Repeatable."),
    "RemindDuring": (
        "--remind-during",
        "DAYS FROM-TO ZONE",
        f'Delay reminders and the escalation to these hours. Example: "{EXAMPLE}".  [default: the stack\'s]',
    ),
    "EscalateTo": ("--escalate-to", "WHO", "Additional approver after --escalate-after-minutes. Repeatable."),
    "EscalateAfterMinutes": (
        "--escalate-after-minutes",
        "MINUTES",
        "Minutes until the approvers of --escalate-to can respond.",
    ),
}
"""Name, metavar and help of an option. Other keys have the schema's."""

_GRANT = re.compile(r"([0-9]{1,9})(?::([0-9]{1,9}))?")

_GROUP = re.compile(r"([^:=]+)(?::([0-9]{1,2}))?(?:=(.+))?")


_KEYS = {key: schema for key, schema in load("request.schema.json")["properties"].items() if key not in WITHOUT_OPTION}


def request_options(command: Callable[..., None], *, without: Collection[str] = ()) -> Callable[..., None]:
    """Add an option for each key of the request, but those in `without`."""
    for key, schema in reversed(_KEYS.items()):
        if key in without:
            continue
        words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in key)
        default = (f"-{words}", None, f"{schema['description'].partition('. ')[0].removesuffix('.')}.")
        name, metavar, text = _TEXTS.get(key, default)
        command = click.option(name, key, metavar=metavar, help=text, **_type(key, schema))(command)
    return command


def request_of(options: Mapping[str, Any]) -> dict[str, Json]:
    """Return the keys of the request that options set."""
    given = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items() if key in _KEYS}
    # An action can be an empty list; elsewhere, that is an option that was not given.
    return {
        key: value for key, value in given.items() if value is not None and (key == "Action" or value not in ([], {}))
    }


def _type(key: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what click needs to know of a key's values."""
    if key in _OBJECTS:
        return {"callback": _OBJECTS[key]}
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
        "integer": {"type": COUNT},
    }
    return types.get(schema["type"], {})


def _labeled(value_key: str) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], list[Json]]:
    def parse(_context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> list[Json]:
        found: list[Json] = []
        for text in texts:
            label, equals, value = text.partition("=")
            if not equals:
                raise click.UsageError(f"{option.opts[0]} {text!r}: use {option.metavar}.")
            found.append({"Label": label, value_key: value})
        return found

    return parse


def _comments(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for text in texts:
        action, _, presence = text.partition("=")
        if action not in list(Action) or presence not in list(Presence):
            actions, presences = " or ".join(Action), ", ".join(Presence)
            raise click.UsageError(
                f"--comment {text!r}: use RESPONSE=PRESENCE, for example reject=required. RESPONSE is {actions}; "
                f"PRESENCE is one of {presences}."
            )
        found[action.capitalize()] = presence
    return found


def _groups(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> list[Json]:
    found: list[Json] = []
    for text in texts:
        group = _GROUP.fullmatch(text)
        if not group:
            raise click.UsageError(
                f"--group {text!r}: use NAME[:NUMBER][=WHO,…], for example security=ann@example.com,bo@example.com."
            )
        name, number, names = group.groups()
        required: dict[str, Json] = {"Required": int(number)} if number else {}
        members: dict[str, Json] = {"Approvers": [each.strip() for each in names.split(",")]} if names else {}
        found.append({"Name": name, **members, **required})
    return found


def _action(_context: click.Context, _option: click.Parameter, text: str | None) -> Json:
    if text is None:
        return None
    try:
        found: Json = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if found is None:
        raise click.UsageError("--action: not JSON, or null. A text stands in quotes: '\"terraform apply\"'.")
    return found


def _grant(_context: click.Context, _option: click.Parameter, text: str | None) -> dict[str, Json] | None:
    if text is None:
        return None
    found = _GRANT.fullmatch(text)
    if not found:
        raise click.UsageError(f"--grant {text!r}: use USES[:MINUTES], for example 1 or 3:120.")
    minutes: dict[str, Json] = {"ValidMinutes": int(found[2])} if found[2] else {}
    return {"Uses": int(found[1]), **minutes}


def _working_hours(_context: click.Context, _option: click.Parameter, text: str | None) -> dict[str, Json] | None:
    if text is None:
        return None
    hours = parse_working_hours(text)
    if hours is None:
        raise click.UsageError(f'--remind-during {text!r}: use DAYS FROM-TO ZONE, for example "{EXAMPLE}".')
    return write_hours(hours)


_OBJECTS: Mapping[str, Callable[..., Json]] = {"Action": _action, "Grant": _grant, "RemindDuring": _working_hours}
"""Options that are given once, by their keys."""

_PARSERS: Mapping[str, Callable[..., Json]] = {
    "Facts": _labeled("Value"),
    "Links": _labeled("Url"),
    "Comment": _comments,
    "Groups": _groups,
}
