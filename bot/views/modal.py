"""The modal for a response with a form, a comment or a confirmation, and the inputs of its submission."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
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

from approvals.domain import facts, form_wording, forms
from approvals.domain.characters import reveal
from approvals.domain.form_changes import current_form
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.forms import COMMENT, MAX_COMMENT, NO, YES
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Action, Approval, Presence, Severity, shorten
from approvals.domain.parts import Text, before_value, pluralize
from bot.views.comparison import comparison, user_sees_values
from bot.views.details import quote
from bot.views.text import paragraph, sentence

CALLBACK_ID = "approval:answer"
"""The callback ID of the modal."""

CONFIRMATION = "sure"
"""The block ID of the confirmation, the box of requests of high severity."""

VALUE = "value"
"""The action ID of every input."""

MAX_LONG_LINE = 200
"""Characters of the longest text field with a single line."""

MAX_RADIO_BUTTONS = 10
"""Source: https://docs.slack.dev/reference/block-kit/block-elements/radio-button-group-element"""

MAX_DIGITS = 15
"""A number with more digits is typed as text: Slack's number input documents no limit."""

COMMENT_HINT = f"Up to {MAX_COMMENT:,} characters. Kept in the record and passed to the workflow."

MAX_TITLE = 2900
MAX_FILLED_IN = 2000
"""What the values of other approvers may weigh, which the inputs show in full."""

MAX_VIEW = 250_000
"""Characters of a view, as the JSON that is sent. Slack says `250kb`: this is the strictest reading.

Source: https://docs.slack.dev/reference/methods/views.open (`view_too_large`)
"""

_BESIDE = 20_000
"""Room for the private metadata, and for a note above the form, as JSON."""


def fits_in_modal(approval: Approval, action: Action, typed: Mapping[str, FormValue] | None = None) -> bool:
    """Return True if Slack can show the modal for a response, with what was typed before."""
    view = response_modal(approval, action, "", typed=typed).to_dict()
    return len(json.dumps(view)) + _BESIDE <= MAX_VIEW


def response_modal(
    approval: Approval,
    action: Action,
    metadata: str,
    *,
    typed: Mapping[str, FormValue] | None = None,
    note: str = "",
    user: str = "",
) -> View:
    """Return the modal: the form for an approval, a comment unless it is off, a confirmation for high severity.

    The form holds what was typed before, else what other approvers filled in, else the defaults. `note` says why the
    person must respond again. `user` is the ID of the user who opens it: what differs from the last approved
    request is told with the values that they may see.
    """
    words = words_of(approval)
    title = _requester_text(shorten(approval.title, MAX_TITLE))
    blocks: list[Block] = [SectionBlock(text=title)]
    blocks += comparison(approval, values=user_sees_values(approval, user))
    if note:
        blocks.append(paragraph(sentence(note)))
    if action is Action.APPROVE:
        blocks += _filled_in(approval)
        values = current_form(approval) if typed is None else typed
        for asked in approval.request.form:
            field = asked if values is None else replace(asked, default=values.get(asked.name))
            blocks.append(
                _input(block_id(field.name), field.label, _element(field), required=field.required, hint=_hint(field))
            )
    presence = approval.request.comments[action]
    if presence is not Presence.OFF:
        comment = PlainTextInputElement(action_id=VALUE, multiline=True, max_length=MAX_COMMENT)
        label = "Comment" if action is Action.APPROVE else "Reason"
        blocks.append(_input(COMMENT, label, comment, required=presence is Presence.REQUIRED, hint=COMMENT_HINT))
    if approval.request.severity is Severity.HIGH:
        sure = f"I confirm that I want to {words.verbs[action]} this {words.request}"
        yes = Option(text=PlainTextObject(text=sure), value=YES)
        box = CheckboxesElement(action_id=VALUE, options=[yes])
        blocks.append(_input(CONFIRMATION, "High severity", box, required=True))
    return View(
        type="modal",
        callback_id=CALLBACK_ID,
        private_metadata=metadata,
        title=PlainTextObject(text=words.dialog_titles[action]),
        submit=PlainTextObject(text=words.buttons[action]),
        close=PlainTextObject(text="Cancel"),
        blocks=blocks,
    )


def notice_modal(said: Text | str, title: str = "Not recorded") -> View:
    """Return a modal that says why nothing is recorded. It can only be closed."""
    return View(
        type="modal",
        title=PlainTextObject(text=title),
        close=PlainTextObject(text="Close"),
        blocks=[SectionBlock(text=_requester_text(shorten(str(said), MAX_TITLE)))],
    )


def block_id(name: str) -> str:
    """Return the block ID of the comment, or of a field of the form."""
    return COMMENT if name == COMMENT else f"form.{name}"


def read_inputs(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs that are not empty as texts, by block ID. The confirmation gives `yes`.

    `values` is the `view.state.values` of a submission. Raises `KeyError`, `TypeError` or `AttributeError` when it has
    another shape than Slack documents, and `UnicodeEncodeError` when a text is no Unicode.

    Source: https://docs.slack.dev/reference/interaction-payloads/view-interactions-payload
    """
    inputs = {name: _text(states[VALUE]) for name, states in values.items()}
    return {name: text for name, text in inputs.items() if text}


def _text(state: Mapping[str, Any]) -> str:
    options = state.get("selected_options") or [state.get("selected_option")]
    text = options[0]["value"] if options[0] else state.get("value") or state.get("selected_date") or ""
    if not isinstance(text, str):
        raise TypeError("expected a text")
    text.encode()
    return text


def _filled_in(approval: Approval) -> list[Block]:
    """Return who filled in the form's current values, and the values: inputs may hold what the person typed."""
    said = form_wording.confirm_sentence(approval)
    rows = [f"{before_value(label)} {value}" for label, value in facts.form_answers(approval)]
    return [paragraph(sentence(said)), *quote("\n".join(rows), MAX_FILLED_IN)] if said else []


def _requester_text(text: str) -> PlainTextObject:
    """Return a text of the requester with its hidden characters made visible, and emoji codes left as they are."""
    return PlainTextObject(text=reveal(text), emoji=False)


def _input(id_: str, label: str, element: InputInteractiveElement, *, required: bool, hint: str = "") -> Block:
    said = PlainTextObject(text=hint) if hint else None
    return InputBlock(block_id=id_, label=_requester_text(label), element=element, hint=said, optional=not required)


def _hint(field: FormField) -> str:
    """Return the limits of a field in a sentence; empty if it has none that an approver would meet."""
    if field.type in (FieldType.NUMBER, FieldType.DATE):
        limits = forms.limits(field)
        return f"A {field.type.value}{limits}." if limits else ""
    is_short = field.type is FieldType.TEXT and field.max_length < forms.MAX_LENGTH
    return f"Up to {pluralize(field.max_length, 'character')}." if is_short else ""


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
    options = [Option(text=_requester_text(text), value=value) for text, value in choices]
    initial = next((option for option in options if option.value == default), None)
    if len(options) <= MAX_RADIO_BUTTONS:
        return RadioButtonsElement(action_id=VALUE, options=options, initial_option=initial)
    return StaticSelectElement(action_id=VALUE, options=options, initial_option=initial)
