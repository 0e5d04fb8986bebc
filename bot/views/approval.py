"""The message that asks for an approval, and what becomes of it. The ids of its buttons live here, beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from approvals import present
from approvals.model import Action, Approval, Channel, Decision, readable, shorten
from approvals.workflow import console_url

ACTION_IDS = {Action.APPROVE: "approval:approve", Action.REJECT: "approval:reject"}
"""The action id of each answer's button. The button's value is the approval's id."""

OPEN_EXECUTION_ID = "approval:open-execution"
"""The action id of the link to the execution: Slack reports clicks on links too."""

MAX_HEADER = 150
MAX_SECTION = 3000
MAX_FIELD = 2000
MAX_COMMENT = 2500
"""Characters. Source: https://docs.slack.dev/reference/block-kit/blocks/"""


def request_text(approval: Approval) -> str:
    """The text of the notification, and for clients that show no blocks."""
    return f"Approval required: {escape(approval.title)}"


def request_blocks(approval: Approval) -> list[Block]:
    """The message while an answer is waited for."""
    buttons = [
        ButtonElement(text="Approve", style="primary", action_id=ACTION_IDS[Action.APPROVE], value=approval.id),
        ButtonElement(text="Reject", style="danger", action_id=ACTION_IDS[Action.REJECT], value=approval.id),
        ButtonElement(
            text="Open execution",
            action_id=OPEN_EXECUTION_ID,
            url=console_url(approval.workflow.execution_arn),
        ),
    ]
    return [*_request(approval), ActionsBlock(elements=buttons)]


def outcome_text(approval: Approval) -> str:
    """The text of the message once the approval is decided."""
    return f"{present.headline(approval)}: {escape(approval.title)}"


def outcome_blocks(approval: Approval) -> list[Block]:
    """The message once the approval is decided: no buttons, but who, when, and by which channel."""
    decision = present.decided(approval)
    lines = [f"*{present.headline(approval)}* {_by(decision)}"]
    if decision.comment:
        lines.append(_fit(decision.comment, MAX_COMMENT, _quoted))
    if lost := present.in_vain(approval):
        lines.append(lost)
    execution = f"<{console_url(approval.workflow.execution_arn)}|Open execution>"
    return [
        *_request(approval),
        SectionBlock(text=_mrkdwn("\n".join(lines))),
        ContextBlock(elements=[_mrkdwn(execution)]),
    ]


def escape(text: str) -> str:
    """Text as Slack's mrkdwn shows it literally.

    Source: https://docs.slack.dev/messaging/formatting-message-text/#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _request(approval: Approval) -> list[Block]:
    """What is asked. What the requester wrote is plain text under a heading of ours: none of it looks like ours."""
    fields = [_field(label, value, approval) for label, value in present.facts(approval)]
    blocks: list[Block] = [HeaderBlock(text=shorten(approval.title, MAX_HEADER)), SectionBlock(fields=fields)]
    if approval.request.details:
        blocks += _text("Details", approval.request.details)
    context = "\n".join(f"{label}: {present.indent(value)}" for label, value in present.context(approval))
    if context:
        blocks += _text("Input of the workflow", context)
    return blocks


def _text(heading: str, text: str) -> list[Block]:
    if len(text) > MAX_SECTION:
        rest = f"\u2026 ({len(text) - MAX_SECTION + 100:,} more characters: see the mail, or the execution's input)"
        text = text[: MAX_SECTION - 100] + rest
    plain = PlainTextObject(text=text, emoji=False)
    return [SectionBlock(text=_mrkdwn(f"*{heading}*")), SectionBlock(text=plain)]


def _by(decision: Decision) -> str:
    when = _local_time(decision.at)
    if decision.approver is None:
        return f"{when}. {_fit(decision.cause or '', MAX_COMMENT)}".strip()
    if decision.channel is Channel.SLACK:
        return f"by <@{decision.approver.id}> in Slack, {when}"
    return f"by {escape(decision.approver.name)} by email, {when}"


def _local_time(moment: datetime) -> str:
    """The moment in each reader's own time zone; in UTC for clients that can't."""
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} at {{time}}|{readable(moment)}>"


def _field(label: str, value: str, approval: Approval) -> MarkdownTextObject:
    if label == present.DEADLINE:
        return _mrkdwn(f"*{label}*\n{_local_time(approval.deadline)}")
    return _mrkdwn(f"*{label}*\n{_fit(value, MAX_FIELD - len(label) - 3)}")


def _fit(text: str, most: int, render: Callable[[str], str] = escape) -> str:
    """The text as mrkdwn, at most `most` characters long. Escaping makes it longer, so it is cut before."""
    limit = most
    while len(rendered := render(shorten(text, limit))) > most:
        limit -= max(1, (len(rendered) - most) // 5)
    return rendered


def _quoted(text: str) -> str:
    return "> " + escape(text).replace("\n", "\n> ")


def _mrkdwn(text: str) -> MarkdownTextObject:
    return MarkdownTextObject(text=text, verbatim=True)
