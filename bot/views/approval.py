"""The message that asks for an approval, and what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ContextBlock,
    HeaderBlock,
    PlainTextObject,
    SectionBlock,
)

from approvals.adapters.step_functions import console_url
from approvals.domain import facts, omissions, wording
from approvals.domain.characters import reveal
from approvals.domain.forms import format_answer
from approvals.domain.model import Action, Approval, Decision, OnTimeout, Person, Severity, shorten
from approvals.domain.omissions import Shown
from approvals.domain.parts import Names, join_texts
from bot.addresses import SLACK, is_slack_user
from bot.surfaces import SLACK_MESSAGE
from bot.views import details
from bot.views.buttons import ACTION_IDS, OPEN_EXECUTION_ID, READ_AND_RESPOND, READ_IN_FULL, buttons, read
from bot.views.text import (
    Part,
    escape,
    fit,
    literal,
    local_time,
    mention,
    mrkdwn,
    rich,
    runs,
    section,
    sentence,
    weight_of,
)

__all__ = [
    "ACTION_IDS",
    "OPEN_EXECUTION_ID",
    "outcome_blocks",
    "outcome_reply",
    "outcome_text",
    "request_blocks",
    "request_text",
]

MAX_HEADER = 150
"""Characters. Source: https://docs.slack.dev/reference/block-kit/blocks/header-block"""

MAX_VALUE = 300
"""Characters of one of our own facts: an email address has 254 at most, a parent's name 161."""

MAX_COMMENT = 2500
MAX_NAMES = 2000
MAX_PROGRESS = 1500
MAX_FILLED_IN = 2000
"""Shares of what a message may weigh: so that no part of ours leaves the request without any room."""

_HEADING = 120
"""What the heading of the request weighs, at most."""

_SEVERE = "\u26a0\ufe0f *High severity*: you confirm your response in a second step."


def request_text(approval: Approval) -> str:
    """The text of the notification, and for clients that show no blocks."""
    return f"Approval required: {escape(approval.title)}"


def request_blocks(approval: Approval, *, answerable: bool = True) -> list[Block]:
    """The message while an answer is waited for: ours first, then the request, with buttons where it is answerable.

    Approving by a tap takes that all of the request is shown here. Else a button leads to the page that shows it.
    """
    head = [*_head(approval), *_rules(approval)]
    actions = buttons(approval, all_shown=True)
    shown = omissions.fit(approval, SLACK_MESSAGE, taken=weight_of([*head, actions]) + _HEADING)
    content = [*head, *details.from_request(shown)]
    if shown.is_complete:
        return [*content, actions] if answerable else content
    if answerable:
        return [*content, omitted(shown, on_the_page()), buttons(approval, all_shown=False)]
    return [
        *content,
        omitted(shown, on_the_page(READ_IN_FULL)),
        ActionsBlock(elements=[read(approval, READ_IN_FULL)]),
    ]


def omitted(shown: Shown, rest: str) -> Block:
    """What is left out. `rest` says where it is."""
    return SectionBlock(text=mrkdwn(f"\u26a0\ufe0f *Not shown here:* {shown.left_out}. {rest}"))


def on_the_page(button: str = READ_AND_RESPOND) -> str:
    """Where everything is shown, and how to get there."""
    return f"The page shows everything: press *{button}* for a link of your own."


def outcome_text(approval: Approval) -> str:
    """The text of the message once the approval is decided."""
    return f"{wording.headline(approval)}: {escape(approval.title)}"


def outcome_reply(approval: Approval) -> str:
    """What is said below the request once it is decided: who is told of it, the outcome, and what was said with it."""
    decision = wording.decision_of(approval)
    requester = _requester(approval)
    told = f"<@{requester}> " if requester else ""
    quoted = shorten(decision.comment or "", MAX_COMMENT).splitlines()
    return "\n".join([told + sentence(wording.outcome(approval)), *(f">{literal(line)}" for line in quoted)])


def _requester(approval: Approval) -> str:
    """The Slack id of who asked; empty where they have none."""
    if approval.people and approval.people.requester:
        return approval.people.requester.on(SLACK)
    asked_by = approval.request.requested_by or ""
    return asked_by if is_slack_user(asked_by) else ""


def outcome_blocks(approval: Approval) -> list[Block]:
    """The message once the approval is decided: no buttons, but who, when, and by which channel."""
    decision = wording.decision_of(approval)
    execution = f"<{console_url(approval.workflow.execution_arn)}|Open execution>"
    ours: list[Block] = [
        *_title(approval),
        SectionBlock(text=mrkdwn(f"*{wording.headline(approval)}* {_by(decision)}")),
        *(details.quote(decision.comment, MAX_COMMENT) if decision.comment else []),
        *_filled_in(approval),
        *details.lines(wording.progress(approval), MAX_PROGRESS),
    ]
    if lost := wording.undelivered_sentence(approval):
        ours.append(SectionBlock(text=mrkdwn(lost)))
    ours.append(_fields(approval))
    tail = ContextBlock(elements=[mrkdwn(execution)])
    shown = omissions.fit(approval, SLACK_MESSAGE, taken=weight_of([*ours, tail]) + _HEADING)
    rest = [] if shown.is_complete else [omitted(shown, "The execution's input has everything.")]
    return [*ours, *details.from_request(shown), *rest, tail]


def _title(approval: Approval) -> list[Block]:
    long_title = details.quote(approval.title, MAX_NAMES) if len(approval.title) > MAX_HEADER else []
    title = PlainTextObject(text=reveal(shorten(approval.title, MAX_HEADER)), emoji=False)
    return [HeaderBlock(text=title), *long_title]


def _fields(approval: Approval) -> Block:
    """Who requests, by when (while open), and for which workflow."""
    claim = approval.request.requested_by or ""
    requester = f"<@{claim}>" if is_slack_user(claim) else fit(facts.requester(approval), MAX_VALUE)
    rows = [
        (facts.REQUESTER, requester),
        (facts.DEADLINE, "" if approval.decision else local_time(approval.deadline)),
        *((label, fit(value, MAX_VALUE)) for label, value in facts.source(approval)),
    ]
    return SectionBlock(fields=[mrkdwn(f"*{label}*\n{value}") for label, value in rows if value])


def _head(approval: Approval) -> list[Block]:
    severe = approval.request.severity is Severity.HIGH
    return [*_title(approval), *([SectionBlock(text=mrkdwn(_SEVERE))] if severe else []), _fields(approval)]


def _rules(approval: Approval) -> list[Block]:
    """Who may answer, who is told, and how far it is."""
    blocks = [rich([section(_who_may(approval))])]
    told = [name for name in approval.request.notify if is_slack_user(name)]
    if told:
        blocks.append(rich([section([*runs("cc "), *_spaced([mention(name) for name in told])])]))
    return blocks + details.lines(wording.progress(approval), MAX_PROGRESS)


def _who_may(approval: Approval) -> list[Part]:
    """Who may answer, by mention where Slack knows them."""
    rejects = approval.request.on_timeout is OnTimeout.REJECT
    silence = "No answer in time counts as a rejection." if rejects else ""
    parts = join_texts([wording.rules_sentence(approval), silence]).parts
    return [each for part in parts for each in (_listed(part.people) if isinstance(part, Names) else runs(str(part)))]


def _listed(people: Sequence[Person]) -> list[Part]:
    """People by mention, or else by name; as many as there is room for."""
    parts: list[Part] = []
    for number, person in enumerate(people):
        user = person.on(SLACK)
        name = [mention(user)] if user else runs(person.address or person.name)
        between = runs("" if not number else " and " if number == len(people) - 1 else ", ")
        if weight_of([*parts, *between, *name]) > MAX_NAMES:
            return [*parts, *runs(f" and {len(people) - number} more")]
        parts += [*between, *name]
    return parts


def _spaced(parts: Sequence[Part]) -> list[Part]:
    return [each for number, part in enumerate(parts) for each in ([*runs(" "), part] if number else [part])]


def _filled_in(approval: Approval) -> list[Block]:
    """What the approvers filled in, where somebody did: the last of them counts. Quoted: a text may have any lines."""
    filled = [response.form for response in approval.standing if response.action is Action.APPROVE and response.form]
    if not filled:
        return []
    labels = {field.name: field.label for field in approval.request.form}
    rows = [f"{labels.get(name, name)}: {format_answer(value)}" for name, value in filled[-1].items()]
    return details.quote("\n".join(rows), MAX_FILLED_IN)


def _by(decision: Decision) -> str:
    when = local_time(decision.at)
    if decision.approver is None:
        return f"{when}. {fit(decision.cause or '', MAX_COMMENT)}".strip()
    if decision.channel == SLACK:
        return f"by <@{decision.approver.id}> in Slack, {when}"
    return f"by {literal(decision.approver.name)} {wording.where(decision.channel)}, {when}"
