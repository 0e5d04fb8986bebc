"""The inputs of a page's form: their labels and limits, the problems shown beside them, and what they send."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from approvals.domain import forms
from approvals.domain.characters import reveal
from approvals.domain.form_changes import current_form
from approvals.domain.form_fields import FieldType, FormField, FormValue
from approvals.domain.forms import MAX_COMMENT, MAX_LENGTH, NO, YES, Problem, format_answer
from approvals.domain.kind_wording import confirmation, words_of
from approvals.domain.model import Action, Approval, Presence, Severity
from web.html import Attributes, tag

COMMENT = "comment"
"""The name of the comment's input."""

SURE = "sure"
"""The name of the box that confirms a high-severity response. If ticked, it sends `YES`."""

FORM_PREFIX = "form."
"""Begins the names of the request's own fields, so that none can be mistaken for a field of the page."""

MAX_RADIOS = 4
"""Choices that are shown as radio buttons. More are a drop-down list."""

MAX_LINE = 200
"""Characters. A text that can be longer gets an input of several lines."""

COMMENT_LABELS = {Action.APPROVE: "Comment", Action.REJECT: "Reason"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person sent that can't be recorded yet, and the problems with it, both by the name of the input."""

    texts: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


def labels(approval: Approval, action: Action) -> dict[str, str]:
    """Return the label of each input that the form can have, by its name."""
    named = {COMMENT: COMMENT_LABELS[action], SURE: "Confirmation"}
    return named | {f"{FORM_PREFIX}{asked.name}": asked.label for asked in approval.request.form}


def element_id(name: str) -> str:
    """Return the id of an input."""
    return name.replace(".", "-")


def inputs(approval: Approval, action: Action, typed: Typed) -> list[ET.Element]:
    """Return the form's inputs, in order."""
    asked = approval.request.form if action is Action.APPROVE else ()
    given = current_form(approval)
    entries = [_form_input(each, _given(each, typed, given), typed) for each in asked]
    found = [tag("div", {"class": "author"}, *entries)] if entries else []
    presence = approval.request.comments[action]
    if presence is not Presence.OFF:
        found.append(_comment(action, presence, typed))
    if approval.request.severity is Severity.HIGH:
        found.append(_sure(approval, action, typed))
    return found


def read(
    approval: Approval, action: Action, sent: Mapping[str, str]
) -> tuple[dict[str, FormValue], str | None, dict[str, str]]:
    """Return the form's values, the comment, and the problems that the rules of an approval do not find.

    The problems are by the name of the input.
    """
    request = approval.request
    asked = request.form if action is Action.APPROVE else ()
    values, found = forms.parse(asked, {each.name: sent.get(f"{FORM_PREFIX}{each.name}", "") for each in asked})
    problems = by_input(found)
    # Browsers send line breaks as CR LF and count each as one character.
    comment = sent.get(COMMENT, "").replace("\r\n", "\n").strip()
    if request.severity is Severity.HIGH and sent.get(SURE) != YES:
        words = words_of(approval)
        problems[SURE] = f"Tick the box to confirm that you want to {words.verbs[action]} this {words.request}."
    return values, comment or None, problems


def by_input(found: Iterable[Problem]) -> dict[str, str]:
    """Return the texts of problems by the name of the input. No field of a form has the comment's name."""
    return by_name({problem.field: problem.text for problem in found})


def by_name(texts: Mapping[str, str]) -> dict[str, str]:
    """Return texts about the comment and the request's own fields by the name of the input."""
    return {COMMENT if name == forms.COMMENT else f"{FORM_PREFIX}{name}": text for name, text in texts.items()}


def _comment(action: Action, presence: Presence, typed: Typed) -> ET.Element:
    label = f"{COMMENT_LABELS[action]} ({presence.value})"
    attributes: Attributes = {"rows": "2", "maxlength": str(MAX_COMMENT), "required": presence is Presence.REQUIRED}
    hint = f"Up to {MAX_COMMENT:,} characters. Kept in the record and passed to the workflow."
    text = _area_text(typed.texts.get(COMMENT, ""))
    return _labelled(COMMENT, label, typed, "textarea", attributes, text, hint=hint)


def _sure(approval: Approval, action: Action, typed: Typed) -> ET.Element:
    checked = typed.texts.get(SURE) == YES
    box: Attributes = {"type": "checkbox", "name": SURE, "id": SURE, "value": YES, "required": True, "checked": checked}
    label = _tick({**box, **_marks(SURE, typed)}, confirmation(approval, action))
    return tag("div", {"class": "field"}, _problem(SURE, typed), label)


def _given(asked: FormField, typed: Typed, current: Mapping[str, FormValue] | None) -> str:
    """Return what an input holds at first: what the person typed, else the current values, else the default."""
    if typed.texts:
        return typed.texts.get(f"{FORM_PREFIX}{asked.name}", "")
    value = asked.default if current is None else current.get(asked.name)
    return "" if value is None else format_answer(value)


def _form_input(asked: FormField, given: str, typed: Typed) -> ET.Element:
    name = f"{FORM_PREFIX}{asked.name}"
    label = asked.label if asked.required else f"{asked.label} (optional)"
    choices = {YES: "Yes", NO: "No"} if asked.type is FieldType.YES_NO else {each: each for each in asked.choices}
    if choices and len(choices) <= MAX_RADIOS:
        ticks = _radios(name, asked, choices, given)
        group = {"class": "field", "id": element_id(name), "role": "radiogroup", "tabindex": "-1"}
        return tag(
            "fieldset",
            {**group, **_marks(name, typed)},
            tag("legend", {"dir": "auto"}, label),
            _problem(name, typed),
            *ticks,
        )
    if choices:
        return _labelled(name, label, typed, "select", {"required": asked.required}, *_options(asked, given))
    hint = _hint(asked)
    if asked.type is FieldType.TEXT and asked.max_length > MAX_LINE:
        attributes: Attributes = {"rows": "4", "maxlength": str(asked.max_length), "required": asked.required}
        return _labelled(name, label, typed, "textarea", attributes, _area_text(given), hint=hint)
    return _labelled(name, label, typed, "input", _line(asked, given, wrong=name in typed.problems), hint=hint)


def _hint(asked: FormField) -> str:
    """Return the limits of a field as a sentence; empty if it has none that people meet."""
    if asked.type is FieldType.TEXT:
        return f"Up to {asked.max_length:,} characters." if asked.max_length < MAX_LENGTH else ""
    limits = forms.limits(asked)
    return f"A {asked.type.value}{limits}." if limits else ""


def _line(asked: FormField, given: str, *, wrong: bool) -> Attributes:
    """Return the attributes of an input of one line.

    A text that is not a number or a date is shown again in a text input: a browser shows nothing in another type.
    """
    kept: Attributes = {"class": "line", "value": reveal(given), "required": asked.required}
    if asked.type is FieldType.TEXT:
        return {**kept, "type": "text", "maxlength": str(asked.max_length)}
    number = asked.type is FieldType.NUMBER
    if wrong and given.strip():
        return {**kept, "type": "text", "inputmode": "decimal" if number else "numeric"}
    minimum, maximum = (limit is not None and str(limit) for limit in (asked.minimum, asked.maximum))
    return {**kept, "type": asked.type.value, "step": number and "any", "min": minimum, "max": maximum}


def _radios(name: str, asked: FormField, choices: Mapping[str, str], given: str) -> Iterator[ET.Element]:
    offered = choices if asked.required else {**choices, "": "No answer"}
    for number, (value, text) in enumerate(offered.items()):
        radio: Attributes = {"type": "radio", "name": name, "id": f"{element_id(name)}-{number}", "value": value}
        yield _tick({**radio, "required": asked.required, "checked": value == given}, text)


def _options(asked: FormField, given: str) -> Iterator[ET.Element]:
    """Yield the options. The first is none of the choices, so that nobody chooses without looking."""
    none = "Choose an option" if asked.required else "No answer"
    for value in ("", *asked.choices):
        yield tag("option", {"value": value, "selected": value == given}, value or none)


def _tick(attributes: Attributes, text: str) -> ET.Element:
    label = {"class": "tick", "for": str(attributes["id"])}
    return tag("label", label, tag("input", attributes), tag("span", {"dir": "auto"}, text))


def _labelled(
    name: str, label: str, typed: Typed, kind: str, more: Attributes, *children: ET.Element | str, hint: str = ""
) -> ET.Element:
    attributes = {"id": element_id(name), "name": name, "dir": "auto", **more, **_marks(name, typed, hint=bool(hint))}
    return tag(
        "div",
        {"class": "field"},
        tag("label", {"for": element_id(name), "dir": "auto"}, label),
        tag("p", {"class": "hint", "id": f"{element_id(name)}-hint"}, hint) if hint else "",
        _problem(name, typed),
        tag(kind, attributes, *children),
    )


def _problem(name: str, typed: Typed) -> ET.Element | str:
    text = typed.problems.get(name)
    return tag("p", {"class": "problem", "id": f"{element_id(name)}-problem"}, text) if text else ""


def _marks(name: str, typed: Typed, *, hint: bool = False) -> Attributes:
    wrong = name in typed.problems
    about = [kind for kind, is_there in (("hint", hint), ("problem", wrong)) if is_there]
    described = " ".join(f"{element_id(name)}-{kind}" for kind in about)
    return {"aria-invalid": wrong and "true", "aria-describedby": described or False}


def _area_text(text: str) -> str:
    # Browsers drop a leading line break.
    return f"\n{text}" if text.startswith(("\n", "\r")) else text
