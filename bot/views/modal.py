"""The dialog for a response with a form, a comment or a confirmation, and the inputs of its submission."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    DatePickerElement,
    InputBlock,
    InputInteractiveElement,
    NumberInputElement,
    Option,
    PlainTextInputElement,
    PlainTextObject,
    RadioButtonsElement,
    SectionBlock,
    StaticSelectElement,
)
from slack_sdk.models.views import View

from approvals.domain.characters import reveal
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.forms import COMMENT, MAX_COMMENT, NO, YES
from approvals.domain.model import Action, Approval, Presence, Severity, shorten
from approvals.domain.parts import Text
from approvals.domain.signed_links import is_approval_id

CALLBACK_ID = "approval:answer"
"""The callback ID of the dialog."""

SURE = "sure"
"""The block ID of the box to tick before a response of high severity."""

VALUE = "value"
"""The action ID of every input."""

MAX_LONG_LINE = 200
"""Characters of the longest text field with a single line."""

MAX_RADIO_BUTTONS = 10
"""Source: https://docs.slack.dev/reference/block-kit/block-elements/radio-button-group-element"""

MAX_DIGITS = 15
"""A number with more digits is typed as text: Slack's number input documents no limit."""

MAX_TITLE = 2900

_WORDS = {Action.APPROVE: "Approve", Action.REJECT: "Reject"}
_SELECTED = ("value", "selected_date")


@dataclass(frozen=True, slots=True)
class DialogMetadata:
    """The approval and the action of a dialog. It is the dialog's private metadata, which is no secret.

    `unseen` and `all_shown` are those of the click that opened the dialog.
    """

    approval_id: str
    action: Action
    channel: str
    unseen: bool = False
    all_shown: bool = False

    def to_json(self) -> str:
        """Return the private metadata, of at most 3,000 characters."""
        return json.dumps(
            {
                "approval": self.approval_id,
                "action": self.action.value,
                "channel": self.channel,
                "unseen": self.unseen,
                "all_shown": self.all_shown,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> DialogMetadata:
        """Read private metadata. Raises `ValueError`, `KeyError` or `TypeError` if it is not ours."""
        data = json.loads(text)
        approval_id, channel = data["approval"], data["channel"]
        if not isinstance(approval_id, str) or not is_approval_id(approval_id) or not isinstance(channel, str):
            raise ValueError("not about one of our approvals")
        channel.encode()  # No table takes half of a surrogate pair.
        # A dialog that an earlier version opened has neither: then only the Home has no channel.
        return cls(
            approval_id,
            Action(data["action"]),
            channel,
            unseen=bool(data.get("unseen", not channel)),
            all_shown=data.get("all_shown") is True,
        )


def answer_modal(approval: Approval, about: DialogMetadata) -> View:
    """Return the dialog: the form for an approval, a comment unless it is off, a box to tick for high severity."""
    word = _WORDS[about.action]
    title = _theirs(shorten(approval.title, MAX_TITLE))
    blocks: list[Block] = [SectionBlock(text=title)]
    if about.action is Action.APPROVE:
        blocks += [_field_block(field) for field in approval.request.form]
    presence = approval.request.comments[about.action]
    if presence is not Presence.OFF:
        blocks.append(_comment_block(about.action, required=presence is Presence.REQUIRED))
    if approval.request.severity is Severity.HIGH:
        blocks.append(_sure_block(about.action))
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        private_metadata=about.to_json(),
        title=PlainTextObject(text=word),
        submit=PlainTextObject(text=word),
        close=PlainTextObject(text="Cancel"),
        blocks=blocks,
    )


def told_modal(said: Text | str, title: str = "Not recorded") -> View:
    """The dialog when there is nothing more to answer, or the person may not: it says so, and can only be closed."""
    return View(
        type="modal",
        title=PlainTextObject(text=title),
        close=PlainTextObject(text="Close"),
        blocks=[SectionBlock(text=_theirs(shorten(str(said), MAX_TITLE)))],
    )


def block_id(name: str) -> str:
    """Return the block ID of the comment, or of a field of the form."""
    return COMMENT if name == COMMENT else f"form.{name}"


def typed(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs that are not empty as texts, by block ID. The box to tick gives `yes`.

    `values` is the `view.state.values` of a submission. Raises `KeyError`, `TypeError` or `AttributeError` when it has
    another shape than Slack documents, and `UnicodeEncodeError` when a text is no Unicode.

    Source: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    found = {}
    for name, inputs in values.items():
        text = _text(inputs[VALUE])
        if text:
            text.encode()
            found[name] = text
    return found


def _text(state: Mapping[str, Any]) -> str:
    if state.get("selected_options"):
        return str(state["selected_options"][0]["value"])
    chosen = state.get("selected_option")
    values = [chosen["value"]] if chosen else [state.get(key) for key in _SELECTED]
    text = next((value for value in values if value is not None), "")
    if not isinstance(text, str):
        raise TypeError("expected a text")
    return text


def _theirs(text: str) -> PlainTextObject:
    """Return a text of the requester with its hidden characters made visible, and emoji codes left as they are."""
    return PlainTextObject(text=reveal(text), emoji=False)


def _comment_block(action: Action, *, required: bool) -> Block:
    return InputBlock(
        block_id=COMMENT,
        label=PlainTextObject(text="Comment" if action is Action.APPROVE else "Reason"),
        element=PlainTextInputElement(action_id=VALUE, multiline=True, max_length=MAX_COMMENT),
        optional=not required,
    )


def _sure_block(action: Action) -> Block:
    yes = Option(text=PlainTextObject(text=f"Yes, I want to {action} this"), value=YES)
    return InputBlock(
        block_id=SURE,
        label=PlainTextObject(text="This request is of high severity"),
        element=CheckboxesElement(action_id=VALUE, options=[yes]),
        optional=False,
    )


def _field_block(field: FormField) -> Block:
    return InputBlock(
        block_id=block_id(field.name),
        label=_theirs(field.label),
        element=_element(field),
        optional=not field.required,
    )


def _element(field: FormField) -> InputInteractiveElement:
    match field.type:
        case FieldType.NUMBER:
            return _number(field)
        case FieldType.CHOICE:
            return _choice([(choice, choice) for choice in field.choices], field.default)
        case FieldType.YES_NO:
            default = None if field.default is None else YES if field.default else NO
            return _choice([("Yes", YES), ("No", NO)], default)
        case FieldType.DATE:
            return DatePickerElement(action_id=VALUE, initial_date=_written(field.default))
        case FieldType.TEXT:
            return PlainTextInputElement(
                action_id=VALUE,
                initial_value=_written(field.default),
                multiline=field.max_length > MAX_LONG_LINE,
                max_length=field.max_length,
            )


def _written(default: object) -> str | None:
    return None if default is None else reveal(str(default))


def _number(field: FormField) -> InputInteractiveElement:
    numbers = [_digits(value) for value in (field.default, field.minimum, field.maximum)]
    if any(number is not None and len(number) > MAX_DIGITS for number in numbers):
        return PlainTextInputElement(action_id=VALUE, initial_value=_written(field.default))
    initial, least, most = numbers
    return NumberInputElement(
        action_id=VALUE, is_decimal_allowed=True, initial_value=initial, min_value=least, max_value=most
    )


def _digits(value: object) -> str | None:
    """Write a number without an exponent: Slack takes 1e-07 for no number."""
    return None if value is None else format(Decimal(str(value)), "f")


def _choice(choices: list[tuple[str, str]], default: object) -> InputInteractiveElement:
    options = [Option(text=_theirs(text), value=value) for text, value in choices]
    initial = next((option for option in options if option.value == default), None)
    if len(options) <= MAX_RADIO_BUTTONS:
        return RadioButtonsElement(action_id=VALUE, options=options, initial_option=initial)
    return StaticSelectElement(action_id=VALUE, options=options, initial_option=initial)
