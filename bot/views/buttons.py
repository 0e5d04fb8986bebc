"""What can be done at the message: buttons, and a menu for what is rarely needed. Their ids live here, beside them."""

from __future__ import annotations

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    Option,
    OverflowMenuElement,
    PlainTextObject,
)

from approvals.model import Action, Approval, Presence, Severity
from approvals.rules import may_postpone
from approvals.workflow import console_url

ACTION_IDS = {Action.APPROVE: "approval:approve", Action.REJECT: "approval:reject"}
"""The action id of each answer's button. The button's value is the approval's id."""

OPEN_EXECUTION_ID = "approval:open-execution"
"""The action id of the link to the execution: Slack reports clicks on links too."""

MORE_ID = "approval:more"
"""The action id of the menu. An option's value is one of the two words below, a colon, and the approval's id."""

WITHDRAW, MORE_TIME = "withdraw", "more-time"

_WORDS = {Action.APPROVE: "Approve", Action.REJECT: "Reject"}


def needs_modal(approval: Approval, action: Action) -> bool:
    """Whether an answer needs more than a tap: something to fill in, or a rejection's reason."""
    comment = approval.request.comments[action]
    if action is Action.REJECT:
        return comment is not Presence.OFF
    return comment is Presence.REQUIRED or bool(approval.request.form)


def buttons(approval: Approval) -> Block:
    """The row of buttons below a request that waits."""
    execution = ButtonElement(
        text="Open execution", action_id=OPEN_EXECUTION_ID, url=console_url(approval.workflow.execution_arn)
    )
    options = list(_options(approval))
    more = [OverflowMenuElement(action_id=MORE_ID, options=options)] if options else []
    return ActionsBlock(elements=[*answers(approval), execution, *more])


def answers(approval: Approval) -> list[ButtonElement]:
    """The button of each answer."""
    return [
        ButtonElement(
            text=_WORDS[action],
            style="primary" if action is Action.APPROVE else "danger",
            action_id=ACTION_IDS[action],
            value=approval.id,
            confirm=_confirm(action) if _asks_again(approval, action) else None,
        )
        for action in Action
    ]


def _asks_again(approval: Approval, action: Action) -> bool:
    return approval.request.severity is Severity.HIGH and not needs_modal(approval, action)


def _confirm(action: Action) -> ConfirmObject:
    word = _WORDS[action]
    return ConfirmObject(
        title=f"{word}?",
        text=PlainTextObject(text=f"This request is of high severity. Do you really want to {action} it?"),
        confirm=word,
        deny="Cancel",
        style="primary" if action is Action.APPROVE else "danger",
    )


def _options(approval: Approval) -> list[Option]:
    several = max(approval.request.required_approvals, approval.request.required_rejections) > 1
    found = []
    if several:  # Where one answer decides, none stands that could be taken back.
        found.append(_option("Take back my answer", WITHDRAW, approval))
    if may_postpone(approval):
        found.append(_option("More time", MORE_TIME, approval))
    return found


def _option(text: str, word: str, approval: Approval) -> Option:
    return Option(text=PlainTextObject(text=text), value=f"{word}:{approval.id}")
