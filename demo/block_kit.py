"""What Slack takes of Block Kit, as far as the app uses it: the stand-in refuses all else, as Slack would.

Sources: https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/reference/block-kit/block-elements,
https://docs.slack.dev/reference/views/modal-views
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_TOTAL = 13_200
"""UTF-16 units of all blocks of a message as JSON. Slack documents no limit: it was seen at 13,297 characters of text
in one block, and lower for text in many. This is the strictest reading.

Source: https://github.com/slackapi/bolt-js/issues/2509, https://github.com/slackapi/bolt-js/issues/2867
"""

MAX_VIEW = 250_000
"""Characters of a view as JSON. Source: https://docs.slack.dev/reference/methods/views.publish (`view_too_large`)"""

Json = Any
Check = Callable[[Json], bool]


class Refused(Exception):  # noqa: N818
    """Slack answers with an error code."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys that an object of Block Kit must have, and those it may have, each with what its value must be."""

    needs: Mapping[str, Check]
    may: Mapping[str, Check]

    def fits(self, node: Mapping[str, Json]) -> bool:
        """Whether an object has this shape; its `type` is known already."""
        known = {**self.needs, **self.may}
        given = {key: value for key, value in node.items() if key != "type"}
        return self.needs.keys() <= given.keys() and all(
            key in known and known[key](value) for key, value in given.items()
        )


def check_message(blocks: list[dict[str, Json]] | str | None) -> tuple[dict[str, Json], ...]:
    """Returns a message's blocks. Raises `Refused` when Slack would not take them."""
    parsed = json.loads(blocks) if isinstance(blocks, str) else blocks or []
    if len(parsed) > 50 or not all(_is(_MESSAGE, block) for block in parsed) or not _unique_ids(parsed):  # noqa: PLR2004
        raise Refused("invalid_blocks")
    if len(json.dumps(parsed, ensure_ascii=False, separators=(",", ":")).encode("utf-16-le")) > 2 * MAX_TOTAL:
        raise Refused("msg_blocks_too_long")
    return tuple(parsed)


def check_home(view: dict[str, Json] | str) -> dict[str, Json]:
    """Returns the view of an app's Home. Raises `Refused` when Slack would not take it."""
    parsed: dict[str, Json] = json.loads(view) if isinstance(view, str) else view
    if parsed.get("type") != "home" or not _HOME.fits(parsed) or not _unique_ids(parsed["blocks"]):
        raise Refused("invalid_arguments")
    if len(json.dumps(parsed, ensure_ascii=False)) > MAX_VIEW:
        raise Refused("view_too_large")
    return parsed


def check_view(view: dict[str, Json] | str) -> dict[str, Json]:
    """Returns a modal's view. Raises `Refused` when Slack would not take it."""
    parsed: dict[str, Json] = json.loads(view) if isinstance(view, str) else view
    has_inputs = any(block.get("type") == "input" for block in parsed.get("blocks", []))
    if parsed.get("type") != "modal" or not _VIEW.fits(parsed) or (has_inputs and "submit" not in parsed):
        raise Refused("invalid_arguments")
    if not _unique_ids(parsed["blocks"]):
        raise Refused("invalid_arguments")
    return parsed


def _unique_ids(blocks: list[dict[str, Json]]) -> bool:
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    return len(ids) == len(set(ids))


def _is(shapes: Mapping[str, Shape], node: Json) -> bool:
    shape = shapes.get(node.get("type", "")) if isinstance(node, dict) else None
    return shape is not None and shape.fits(node)


def _text(most: int, least: int = 1) -> Check:
    return lambda value: isinstance(value, str) and least <= len(value) <= most


def _plain(most: int) -> Check:
    return lambda value: isinstance(value, dict) and value.get("type") == "plain_text" and _said(value, most)


def _any(most: int) -> Check:
    return lambda value: (
        isinstance(value, dict) and value.get("type") in ("plain_text", "mrkdwn") and _said(value, most)
    )


def _said(value: Mapping[str, Json], most: int) -> bool:
    own = "emoji" if value["type"] == "plain_text" else "verbatim"
    return value.keys() <= {"type", "text", own} and _text(most)(value.get("text"))


def _many(check: Check, most: int, least: int = 1) -> Check:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(check, value))


def _flag(value: Json) -> bool:
    return isinstance(value, bool)


def _border(value: Json) -> bool:
    return value in (0, 1)


def _one_of(*choices: str) -> Check:
    return lambda value: value in choices


def _kind(shapes: Mapping[str, Shape]) -> Check:
    return lambda value: _is(shapes, value)


def _object(shape: Shape) -> Check:
    return lambda value: isinstance(value, dict) and shape.fits(value)


def _style(value: Json) -> bool:
    return isinstance(value, dict) and value.keys() <= {"bold", "italic", "strike", "code"}


_CONFIRM = _object(
    Shape(
        {"title": _plain(100), "text": _any(300), "confirm": _plain(30), "deny": _plain(30)},
        {"style": _one_of("primary", "danger")},
    )
)
_OPTION = _object(Shape({"text": _any(75), "value": _text(150)}, {}))
_ID = _text(255)
_CHOICE = {"action_id": _ID, "options": _many(_OPTION, 10)}

_ELEMENTS = {
    "button": Shape(
        {"text": _plain(75), "action_id": _ID},
        {"value": _text(2000), "url": _text(3000), "style": _one_of("primary", "danger"), "confirm": _CONFIRM},
    ),
    "overflow": Shape({"action_id": _ID, "options": _many(_OPTION, 5)}, {"confirm": _CONFIRM}),
}
_INPUTS = {
    "plain_text_input": Shape(
        {"action_id": _ID},
        {"initial_value": _text(3000), "multiline": _flag, "max_length": lambda value: 1 <= value <= 3000},  # noqa: PLR2004
    ),
    "number_input": Shape(
        {"action_id": _ID, "is_decimal_allowed": _flag},
        {"initial_value": _text(30), "min_value": _text(30), "max_value": _text(30)},
    ),
    "radio_buttons": Shape(_CHOICE, {"initial_option": _OPTION}),
    "checkboxes": Shape(_CHOICE, {}),
    "static_select": Shape({"action_id": _ID, "options": _many(_OPTION, 100)}, {"initial_option": _OPTION}),
    "datepicker": Shape({"action_id": _ID}, {"initial_date": _text(10, 10)}),
}
_STYLED = {"style": _style}
_RUNS = {
    "text": Shape({"text": _text(3000)}, _STYLED),
    "link": Shape({"url": _text(3000)}, {"text": _text(3000), **_STYLED}),
    "user": Shape({"user_id": _text(21)}, _STYLED),
    "date": Shape(
        {"timestamp": lambda value: type(value) is int and value > 0, "format": _text(200)},
        {"fallback": _text(200), **_STYLED},
    ),
}
_ELEMENTS_OF_RUNS = {"elements": _many(_kind(_RUNS), 10_000)}
_SECTION = {"rich_text_section": Shape(_ELEMENTS_OF_RUNS, {})}
_RICH = {
    **_SECTION,
    "rich_text_quote": Shape(_ELEMENTS_OF_RUNS, {}),
    "rich_text_preformatted": Shape(_ELEMENTS_OF_RUNS, {"border": _border}),
    "rich_text_list": Shape(
        {"elements": _many(_kind(_SECTION), 10_000), "style": _one_of("bullet", "ordered")}, {"border": _border}
    ),
}
_BLOCK_ID = {"block_id": _ID}


def _is_section(node: Json) -> bool:
    return "text" in node or bool(node.get("fields"))


class _SectionShape(Shape):
    """A section has a text, or fields, or both."""

    def fits(self, node: Mapping[str, Json]) -> bool:
        return _is_section(node) and Shape.fits(self, node)


_MESSAGE = {
    "header": Shape({"text": _plain(150)}, _BLOCK_ID),
    "section": _SectionShape(
        {}, {"text": _any(3000), "fields": _many(_any(2000), 10), "accessory": _kind(_ELEMENTS), **_BLOCK_ID}
    ),
    "context": Shape({"elements": _many(_any(3000), 10)}, _BLOCK_ID),
    "divider": Shape({}, _BLOCK_ID),
    "actions": Shape({"elements": _many(_kind(_ELEMENTS), 25)}, _BLOCK_ID),
    "rich_text": Shape({"elements": _many(_kind(_RICH), 10_000)}, _BLOCK_ID),
}
_MODAL = {
    **_MESSAGE,
    "input": Shape({"label": _plain(2000), "element": _kind(_INPUTS)}, {"optional": _flag, **_BLOCK_ID}),
}
_HOME = Shape({"blocks": _many(_kind(_MESSAGE), 100)}, {"callback_id": _text(255), "private_metadata": _text(3000)})
_VIEW = Shape(
    {"title": _plain(24), "blocks": _many(_kind(_MODAL), 100)},
    {
        "submit": _plain(24),
        "close": _plain(24),
        "callback_id": _text(255),
        "private_metadata": _text(3000),
    },
)
