"""Check Block Kit as Slack does. slack_sdk's models check most of it; the rest, and what the app may use, is here.

Sources: https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/reference/block-kit/block-elements,
https://docs.slack.dev/reference/views/modal-views
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block, Option
from slack_sdk.models.views import View

Json = Any

MAX_BLOCKS = 50
"""Blocks of a message. Source: https://docs.slack.dev/reference/block-kit/blocks"""

MAX_TOTAL = 13_200
"""UTF-16 units of all blocks of a message as JSON. Slack documents no limit: it was seen at 13,297 characters of text
in one block, and lower for text in many. This is the strictest reading.

Source: https://github.com/slackapi/bolt-js/issues/2509, https://github.com/slackapi/bolt-js/issues/2867
"""

MAX_VIEW = 250_000
"""Characters of a view as the JSON that is sent: Slack says 250 kB, and this is the strictest reading.

Source: https://docs.slack.dev/reference/methods/views.open (`view_too_large`)
"""

MAX_TEXT = 3000
"""Characters of a text object, and of every other string. Source: .../block-kit/composition-objects/text-object"""

MAX_FIELD = 2000
"""Characters of a section's field. Source: .../block-kit/blocks/section-block"""

MAX_CHOICES = 10
"""Options of radio buttons and checkboxes. Source: .../block-kit/block-elements/radio-button-group-element"""

_TEXTS = {"plain_text", "mrkdwn"}
_BUTTONS = {"button", "overflow"}
_INPUTS = {"plain_text_input", "number_input", "radio_buttons", "checkboxes", "static_select", "datepicker"}
_RUNS = {"text", "link", "user", "date"}
_BLOCKS = {"header", "section", "context", "divider", "actions", "rich_text"}

_TYPES_WITHIN: Mapping[str, set[str]] = {
    "message": _BLOCKS,
    "view": {"home", "modal"},
    "home": {*_BLOCKS, *_TEXTS},
    "modal": {*_BLOCKS, *_TEXTS, "input"},
    "header": {"plain_text"},
    "section": {*_TEXTS, *_BUTTONS},
    "actions": _BUTTONS,
    "button": {"plain_text"},
    "input": {"plain_text", *_INPUTS},
    "rich_text": {"rich_text_section", "rich_text_quote", "rich_text_preformatted", "rich_text_list"},
    "rich_text_list": {"rich_text_section"},
    "rich_text_section": _RUNS,
    "rich_text_quote": _RUNS,
    "rich_text_preformatted": _RUNS,
}
"""The types that the app may use within a type, where they are not texts. Slack knows more."""


def _is_option(value: Json) -> bool:
    return bool(Option(**value).to_dict() == value and value["value"])


def _is_style(value: Json) -> bool:
    if isinstance(value, dict):
        return value.keys() <= {"bold", "italic", "strike", "code"}
    return value in {"bullet", "ordered", "primary", "danger"}


_VALUES: Mapping[str, Callable[[Json], bool]] = {
    "max_length": lambda value: 1 <= value <= MAX_TEXT,
    "initial_date": lambda value: len(value) == len("2026-11-25"),
    "timestamp": lambda value: type(value) is int and value > 0,
    "border": lambda value: value in (0, 1),
    "style": _is_style,
    "elements": bool,
    "fields": lambda fields: all(len(field["text"]) <= MAX_FIELD for field in fields),
    "options": lambda options: all(map(_is_option, options)),
    "initial_option": _is_option,
    "confirm": lambda value: value.get("type", "plain_text") == "plain_text",
    **dict.fromkeys(("title", "submit", "close", "label", "deny"), lambda value: value["type"] == "plain_text"),
    **dict.fromkeys(("optional", "multiline", "is_decimal_allowed"), lambda value: isinstance(value, bool)),
}
"""What the values of keys must be and the models do not check. Other values are no numbers."""


class SlackError(Exception):
    """Slack refuses a call, with an error code, or a user's action."""


def check_message(blocks: list[dict[str, Json]] | str | None) -> tuple[dict[str, Json], ...]:
    """Return a message's blocks. Raise `SlackError` if Slack refuses them."""
    parsed = json.loads(blocks) if isinstance(blocks, str) else blocks or []
    if len(parsed) > MAX_BLOCKS or not _is_valid(parsed, parsed):
        raise SlackError("invalid_blocks")
    if len(json.dumps(parsed, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le")) > 2 * MAX_TOTAL:
        raise SlackError("msg_blocks_too_long")
    return tuple(parsed)


def check_home(view: dict[str, Json] | str) -> dict[str, Json]:
    """Return the view of an app's Home. Raise `SlackError` if Slack refuses it."""
    parsed = _checked_view(view, "home")
    if parsed.keys() - {"type", "blocks", "callback_id", "private_metadata"}:
        raise SlackError("invalid_arguments")
    return parsed


def check_view(view: dict[str, Json] | str) -> dict[str, Json]:
    """Return a modal's view. Raise `SlackError` if Slack refuses it."""
    parsed = _checked_view(view, "modal")
    has_inputs = any(block["type"] == "input" for block in parsed["blocks"])
    if "title" not in parsed or (has_inputs and "submit" not in parsed):
        raise SlackError("invalid_arguments")
    return parsed


def _checked_view(view: dict[str, Json] | str, type_: str) -> dict[str, Json]:
    parsed: dict[str, Json] = json.loads(view) if isinstance(view, str) else view
    if parsed.get("type") != type_ or not _is_valid(parsed, parsed.get("blocks")):
        raise SlackError("invalid_arguments")
    if len(json.dumps(parsed)) > MAX_VIEW:
        raise SlackError("view_too_large")
    return parsed


def _is_valid(parsed: Json, blocks: Json) -> bool:
    """Return True if slack_sdk's models and `_fits` find no fault, and each block ID is unique."""
    try:
        # The models leave out unknown and empty parts.
        if isinstance(parsed, dict):
            valid = View(**parsed).to_dict() == parsed and _fits(parsed, "view")
        else:
            valid = [_to_dict(block) for block in blocks] == blocks and _fits(blocks, "message")
        ids = [block["block_id"] for block in blocks if "block_id" in block]
        return valid and len(ids) == len(set(ids))
    except (SlackObjectFormationError, AttributeError, KeyError, TypeError):
        return False


def _to_dict(block: Json) -> Json:
    model = Block.parse(block)
    return model and model.to_dict()


def _fits(value: Json, within: str) -> bool:
    """Return True if a value within a type keeps to `_TYPES_WITHIN`, `_VALUES` and the limits of this module."""
    match value:
        case str():
            return len(value) <= MAX_TEXT
        case list():
            return all(_fits(each, within) for each in value)
        case {"type": type_, **members}:
            return type_ in _TYPES_WITHIN.get(within, _TEXTS) and _is_complete(value) and _members_fit(members, type_)
        case dict():
            return _members_fit(value, "object")
        case _:
            return True


def _members_fit(members: Mapping[Json, Json], type_: str) -> bool:
    return all(_VALUES.get(key, _is_no_number)(value) and _fits(value, type_) for key, value in members.items())


def _is_complete(node: Mapping[str, Json]) -> bool:
    match node["type"]:
        case "radio_buttons" | "checkboxes":
            return 1 <= len(node["options"]) <= MAX_CHOICES
        case "rich_text_list":
            return "style" in node
        case _:
            return True


def _is_no_number(value: Json) -> bool:
    return isinstance(value, bool) or not isinstance(value, int | float)
