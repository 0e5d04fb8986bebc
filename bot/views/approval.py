"""The message that asks for an approval, and shows its progress and outcome."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    HeaderBlock,
    PlainTextObject,
    RichTextSectionElement,
    SectionBlock,
)

from approvals.adapters.step_functions import console_url
from approvals.domain import facts, form_wording, omissions, wording
from approvals.domain.cancellation import cancelled_by
from approvals.domain.characters import reveal
from approvals.domain.form_changes import current_form
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Action, Approval, Decision, OnTimeout, Severity, shorten
from approvals.domain.omissions import Shown
from approvals.domain.parts import Names, join_texts
from approvals.domain.people import Person
from bot.addresses import SLACK, is_slack_user
from bot.surfaces import SLACK_MESSAGE
from bot.views import details
from bot.views.buttons import READ_AND_RESPOND, READ_IN_FULL, page_button, request_buttons
from bot.views.modal import fits_in_modal
from bot.views.text import (
    Part,
    escape,
    fit_literal,
    footnote,
    literal,
    local_time,
    mention,
    mention_of,
    mention_or_name,
    mrkdwn,
    paragraph,
    rich,
    runs,
    sentence,
    weight_of,
    with_quotes,
)

MAX_HEADER = 150
"""Characters. Source: https://docs.slack.dev/reference/block-kit/blocks/header-block"""

MAX_VALUE = 300
"""Characters of one of our own facts: an email address has 254 at most, a parent's name 161."""

MAX_COMMENT = 2500
MAX_NAMES = 2000
MAX_PROGRESS = 1500
MAX_FILLED_IN = 2000
MAX_FIELDS = 1500
"""Shares of what a message may weigh: so that no part of ours leaves the request without any room."""

_HEADING = 120
"""What the heading of the request weighs, at most."""

FORM_ON_THE_PAGE = f"The form is too large for Slack: press *{READ_AND_RESPOND}* for a link to it."

_SEVERE = "\u26a0\ufe0f *High severity*: you confirm your response in a second step."

_YOURS_ALONE = "The link is yours alone: do not forward it."


def request_text(approval: Approval) -> str:
    """Return the text for the notification, and for clients that show no blocks."""
    return f"{words_of(approval).prefix} {literal(approval.title)}"


def request_blocks(approval: Approval, *, answerable: bool = True) -> list[Block]:
    """Return the message of an open request: our own words, then the request, with buttons if it is answerable.

    Only a message that shows all of the request has a button to approve. Others have one that leads to the page.
    """
    fits = has_fitting_form(approval)
    head = [*_head(approval), *_rules(approval), *([] if fits else [paragraph(FORM_ON_THE_PAGE)])]
    actions = request_buttons(approval, all_shown=True)
    shown = omissions.fit(approval, SLACK_MESSAGE, taken=weight_of([*head, actions]) + _HEADING)
    content = [*head, *details.from_request(shown)]
    if shown.is_complete:
        return [*content, request_buttons(approval, all_shown=fits)] if answerable else content
    if answerable:
        return [*content, omitted(shown, on_the_page()), request_buttons(approval, all_shown=False)]
    return [
        *content,
        omitted(shown, on_the_page(READ_IN_FULL)),
        ActionsBlock(elements=[page_button(approval, READ_IN_FULL)]),
    ]


def has_fitting_form(approval: Approval) -> bool:
    """Return True if the approval takes no form, or one that Slack can show."""
    return not approval.request.form or fits_in_modal(approval, Action.APPROVE)


def message_of(approval: Approval, *, answerable: bool = True) -> tuple[str, list[Block]]:
    """Return the message that shows an approval as it is now: a text for notifications, and blocks."""
    if approval.decision:
        return outcome_text(approval), outcome_blocks(approval)
    return request_text(approval), request_blocks(approval, answerable=answerable)


def page_link_text(approval: Approval, url: str) -> str:
    """Return a link to the page, as mrkdwn for one user: the link is a right to respond."""
    return f"{sentence(wording.quoted_title(approval))} <{escape(url)}|Open the page>. {_YOURS_ALONE}"


def omitted(shown: Shown, rest: str) -> Block:
    """Return a block that says what is left out. `rest` says where it is."""
    return paragraph(f"\u26a0\ufe0f *Not shown here:* {literal(shown.left_out)}. {rest}")


def on_the_page(button: str = READ_AND_RESPOND) -> str:
    """Return where everything is shown, and how to get there."""
    return f"The page shows everything: press *{button}* for a link of your own."


def outcome_text(approval: Approval) -> str:
    """Return the text of the message once the approval is decided."""
    return f"{wording.headline(approval)}: {literal(approval.title)}"


def outcome_reply(approval: Approval) -> str:
    """Return the reply once the approval is decided: what was asked, the outcome, and the comment."""
    decision = wording.decision_of(approval)
    said = join_texts([wording.quoted_title(approval), wording.outcome(approval)])
    quoted = shorten(decision.comment or "", MAX_COMMENT).splitlines()
    return with_quotes(sentence(said), quoted)


def requester_of(approval: Approval) -> str:
    """Return the requester's Slack user ID; empty if none is known."""
    if approval.people and approval.people.requester:
        return approval.people.requester.on(SLACK)
    asked_by = approval.request.requested_by or ""
    return asked_by if is_slack_user(asked_by) else ""


def outcome_blocks(approval: Approval) -> list[Block]:
    """Return the message once the approval is decided: without buttons, but with who, when, and by which channel."""
    decision = wording.decision_of(approval)
    execution = f"<{console_url(approval.workflow.execution_arn)}|Open execution>"
    ours: list[Block] = [
        *_title(approval),
        paragraph(f"*{wording.headline(approval)}* {_by(approval, decision)}"),
        *(details.quote(decision.comment, MAX_COMMENT) if decision.comment else []),
        *_filled_in(approval),
        *details.lines(wording.progress(approval), MAX_PROGRESS),
    ]
    if lost := wording.undelivered_sentence(approval):
        ours.append(paragraph(lost))
    ours.append(_fields(approval))
    tail = footnote(execution)
    shown = omissions.fit(approval, SLACK_MESSAGE, taken=weight_of([*ours, tail]) + _HEADING)
    rest = [] if shown.is_complete else [omitted(shown, "The execution's input has everything.")]
    return [*ours, *details.from_request(shown), *rest, tail]


def _title(approval: Approval) -> list[Block]:
    long_title = details.quote(approval.title, MAX_NAMES) if len(approval.title) > MAX_HEADER else []
    title = PlainTextObject(text=reveal(shorten(approval.title, MAX_HEADER)), emoji=False)
    return [HeaderBlock(text=title), *long_title]


def _fields(approval: Approval) -> Block:
    """Return who requests, by when (while open), and for which workflow."""
    requester = mention_or_name(approval.request.requested_by or "", facts.requester(approval), MAX_VALUE)
    rows = [
        (facts.REQUESTER, requester),
        (facts.DEADLINE, "" if approval.decision else local_time(approval.deadline)),
        *((label, fit_literal(value, MAX_VALUE)) for label, value in facts.source(approval)),
    ]
    return SectionBlock(fields=[mrkdwn(f"*{label}*\n{value}") for label, value in rows if value])


def _head(approval: Approval) -> list[Block]:
    severe = approval.request.severity is Severity.HIGH
    return [*_title(approval), *([paragraph(_SEVERE)] if severe else []), _fields(approval)]


def _rules(approval: Approval) -> list[Block]:
    """Return who may respond, who is notified, and the progress."""
    blocks = [rich(RichTextSectionElement(elements=_who_may(approval)))]
    told = [name for name in approval.request.notify if is_slack_user(name)]
    if told:
        mentions = [part for name in told for part in (mention(name), *runs(" "))]
        blocks.append(rich(RichTextSectionElement(elements=[*runs("cc "), *mentions[:-1]])))
    return [*blocks, *_wanted(approval), *details.lines(wording.progress(approval), MAX_PROGRESS)]


def _who_may(approval: Approval) -> list[Part]:
    rejects = approval.request.on_timeout is OnTimeout.REJECT
    silence = "No answer in time counts as a rejection." if rejects else ""
    parts = join_texts([wording.rules_sentence(approval), silence]).parts
    return [each for part in parts for each in (_listed(part.people) if isinstance(part, Names) else runs(str(part)))]


def _listed(people: Sequence[Person]) -> list[Part]:
    """Return as many people as there is room for, by mention, or by name if Slack does not know them."""
    parts: list[Part] = []
    for number, person in enumerate(people):
        user = person.on(SLACK)
        name = [mention(user)] if user else runs(person.address or person.name)
        between = runs("" if not number else " and " if number == len(people) - 1 else ", ")
        if weight_of([*parts, *between, *name]) > MAX_NAMES:
            return [*parts, *runs(f" and {len(people) - number} more")]
        parts += [*between, *name]
    return parts


def _wanted(approval: Approval) -> list[Block]:
    """Return what an approver fills in, and what others have filled in so far."""
    _, fields = wording.response_requirements(approval)
    if not fields:
        return []
    verb = "fill in" if current_form(approval) is None else "confirm or change"
    return [
        paragraph(f"*To {words_of(approval).verbs[Action.APPROVE]}, you {verb}:*"),
        *details.quote("\n".join(fields), MAX_FIELDS),
        *_filled_in(approval),
    ]


def _filled_in(approval: Approval) -> list[Block]:
    """Return the form's values and who filled them in. The values are a quote: a text may have any lines."""
    rows = [f"{label}: {value}" for label, value in facts.form_answers(approval)]
    if not rows:
        return []
    heading = paragraph(f"*Form*, {sentence(form_wording.filled_in_by(approval))}:")
    return [heading, *details.quote("\n".join(rows), MAX_FILLED_IN)]


def _by(approval: Approval, decision: Decision) -> str:
    when = local_time(decision.at)
    if decision.approver is None:
        by = literal(cancelled_by(decision))
        return " ".join(filter(None, [by, f"{when}.", fit_literal(decision.cause or "", MAX_COMMENT)]))
    return f"by {wording.named_deciders(approval, mention_of)}, {when}"
