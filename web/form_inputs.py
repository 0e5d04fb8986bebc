"""What an approver fills in on a page: each input with its label, its limits, and what is wrong with what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from approvals.domain.characters import reveal
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.forms import MAX_COMMENT, NO, YES, format_answer
from approvals.domain.model import Action, Approval, Presence, Severity
from web.html import tag

COMMENT = "comment"
"""The name of the comment's input."""

SURE = "sure"
"""The name of the second confirmation's input; ticked, it sends `YES`."""

FORM_PREFIX = "form."
"""Begins the name of an input for a field of the request's form, so that no such field is taken for one of ours."""

MAX_RADIOS = 4
"""Choices that are all visible at once; more are a drop-down list."""

MAX_LINE = 200
"""Characters. A text that may be longer gets several lines."""

COMMENT_LABELS = {Action.APPROVE: "Comment", Action.REJECT: "Reason"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody sent that could not be taken, and what is wrong with it: both by the name of the input."""

    texts: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def labels(approval: Approval, action: Action) -> dict[str, str]:
    """The label of each input that a confirm page may have, by its name."""
    named = {COMMENT: COMMENT_LABELS[action], SURE: "Confirmation"}
    return named | {f"{FORM_PREFIX}{asked.name}": asked.label for asked in approval.request.form}


def element_id(name: str) -> str:
    """The id of an input, from its name."""
    return name.replace(".", "-")


def inputs(approval: Approval, action: Action, typed: Typed) -> list[ET.Element]:
    """All inputs of a confirm page, in order."""
    asked = approval.request.form if action is Action.APPROVE else ()
    found = [tag("div", {"class": "author"}, *(_form_input(each, typed) for each in asked))] if asked else []
    presence = approval.request.comments[action]
    if presence is not Presence.OFF:
        found.append(_comment(action, presence, typed))
    if approval.request.severity is Severity.HIGH:
        found.append(_sure(approval, action, typed))
    return found


def _comment(action: Action, presence: Presence, typed: Typed) -> ET.Element:
    label = f"{COMMENT_LABELS[action]} ({presence.value})"
    attributes = {"rows": "2", "maxlength": str(MAX_COMMENT)} | _required(on=presence is Presence.REQUIRED)
    hint = f"Up to {MAX_COMMENT:,} characters. Kept in the record and passed to the workflow."
    text = _area_text(typed.texts.get(COMMENT, ""))
    return _labelled(COMMENT, label, typed, "textarea", attributes, text, hint=hint)


def _sure(approval: Approval, action: Action, typed: Typed) -> ET.Element:
    attributes = {"type": "checkbox", "name": SURE, "id": SURE, "value": YES, "required": ""}
    if typed.texts.get(SURE) == YES:
        attributes["checked"] = ""
    box = tag("input", attributes | _marks(SURE, typed))
    label = tag(
        "label", {"class": "tick", "for": SURE}, box, _text(f"I confirm: {action} \u201c{approval.title}\u201d")
    )
    return tag("div", {"class": "field"}, *_problem(SURE, typed), label)


def _form_input(asked: FormField, typed: Typed) -> ET.Element:
    name = f"{FORM_PREFIX}{asked.name}"
    given = (
        typed.texts.get(name, "") if typed.texts else format_answer(asked.default) if asked.default is not None else ""
    )
    choices = {YES: "Yes", NO: "No"} if asked.type is FieldType.YES_NO else {each: each for each in asked.choices}
    if choices and len(choices) <= MAX_RADIOS:
        return _radios(name, asked, choices, given, typed)
    if choices:
        return _labelled(name, _label(asked), typed, "select", _required(on=asked.required), *_options(asked, given))
    if asked.type is FieldType.TEXT and asked.max_length > MAX_LINE:
        attributes = {"rows": "4", "maxlength": str(asked.max_length)} | _required(on=asked.required)
        return _labelled(name, _label(asked), typed, "textarea", attributes, _area_text(given))
    return _labelled(name, _label(asked), typed, "input", _line(asked, given, wrong=name in typed.problems))


def _line(asked: FormField, given: str, *, wrong: bool) -> dict[str, str]:
    """The attributes of an input of one line.

    What is no number, or no date, is shown again as text: a browser would show nothing in an input of that type.
    """
    kept = {"class": "line", "value": reveal(given)} | _required(on=asked.required)
    if asked.type is FieldType.TEXT:
        return kept | {"type": "text", "maxlength": str(asked.max_length)}
    number = asked.type is FieldType.NUMBER
    if wrong and given.strip():
        return kept | {"type": "text", "inputmode": "decimal" if number else "numeric"}
    step = {"step": "any"} if number else {}
    limits = (("min", asked.minimum), ("max", asked.maximum))
    return kept | {"type": asked.type.value} | step | {name: str(limit) for name, limit in limits if limit is not None}


def _radios(name: str, asked: FormField, choices: Mapping[str, str], given: str, typed: Typed) -> ET.Element:
    offered = dict(choices) if asked.required else {**choices, "": "No answer"}
    ticks = []
    for number, (value, text) in enumerate(offered.items()):
        id_ = f"{element_id(name)}-{number}"
        attributes = {"type": "radio", "name": name, "id": id_, "value": value} | _required(on=asked.required)
        if value == given:
            attributes["checked"] = ""
        ticks.append(tag("label", {"class": "tick", "for": id_}, tag("input", attributes), _text(text)))
    group = {"class": "field", "id": element_id(name), "role": "radiogroup", "tabindex": "-1"} | _marks(name, typed)
    return tag("fieldset", group, tag("legend", {"dir": "auto"}, _label(asked)), *_problem(name, typed), *ticks)


def _options(asked: FormField, given: str) -> list[ET.Element]:
    """The first is none of the choices: nobody chooses by not looking."""
    options = []
    for value in ("", *asked.choices):
        attributes = {"value": value} | ({"selected": ""} if value == given else {})
        options.append(tag("option", attributes, value or ("Please choose" if asked.required else "No answer")))
    return options


def _labelled(
    name: str,
    label: str,
    typed: Typed,
    kind: str,
    attributes: dict[str, str],
    *children: ET.Element | str,
    hint: str = "",
) -> ET.Element:
    named = {"id": element_id(name), "name": name, "dir": "auto"}
    return tag(
        "div",
        {"class": "field"},
        tag("label", {"for": element_id(name), "dir": "auto"}, label),
        *([tag("p", {"class": "hint"}, hint)] if hint else []),
        *_problem(name, typed),
        tag(kind, named | attributes | _marks(name, typed), *children),
    )


def _problem(name: str, typed: Typed) -> list[ET.Element]:
    text = typed.problems.get(name)
    return [tag("p", {"class": "problem", "id": f"{element_id(name)}-problem"}, text)] if text else []


def _marks(name: str, typed: Typed) -> dict[str, str]:
    if name not in typed.problems:
        return {}
    return {"aria-invalid": "true", "aria-describedby": f"{element_id(name)}-problem"}


def _label(asked: FormField) -> str:
    return asked.label if asked.required else f"{asked.label} (optional)"


def _required(*, on: bool) -> dict[str, str]:
    return {"required": ""} if on else {}


def _text(text: str) -> ET.Element:
    return tag("span", {"dir": "auto"}, text)


def _area_text(text: str) -> str:
    # A browser drops a line break that comes first.
    return f"\n{text}" if text.startswith(("\n", "\r")) else text
