"""What can be done at the message: buttons, and a menu for what is rarely needed. Their ids live here, beside them."""

from __future__ import annotations

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    InteractiveElement,
    Option,
    OverflowMenuElement,
    PlainTextObject,
)

from approvals.adapters.step_functions import console_url
from approvals.domain import sentences
from approvals.domain.model import Action, Approval, Presence, Severity
from approvals.domain.rules import may_postpone

ACTION_IDS = {Action.APPROVE: "approval:approve", Action.REJECT: "approval:reject"}
"""The action id of each answer's button. The button's value is the approval's id."""

READ_ID = "approval:read"
"""The action id of the button that leads to the page, where not all of a request is shown."""

ALL_SHOWN = "all-shown:"
"""Begins the block id of buttons below a request that is shown in full; its place follows, where there are several.

A click on any other approve button does not approve: messages of earlier versions cut requests without a word.
"""

OPEN_EXECUTION_ID = "approval:open-execution"
"""The action id of the link to the execution: Slack reports clicks on links too."""

MORE_ID = "approval:more"
"""The action id of the menu. An option's value is one of the two words below, a colon, and the approval's id."""

WITHDRAW, MORE_TIME = "withdraw", "more-time"

READ_AND_RESPOND, READ_IN_FULL = "Read and respond", "Read in full"
"""The label of the button that leads to the page, for who can respond and for who can only see the request."""

_WORDS = {Action.APPROVE: "Approve", Action.REJECT: "Reject"}


def needs_modal(approval: Approval, action: Action) -> bool:
    """Whether an answer needs more than a tap: something to fill in, or a rejection's reason."""
    comment = approval.request.comments[action]
    if action is Action.REJECT:
        return comment is not Presence.OFF
    return comment is Presence.REQUIRED or bool(approval.request.form)


def buttons(approval: Approval, *, all_shown: bool) -> Block:
    """The row of buttons below a request that waits."""
    execution = ButtonElement(
        text="Open execution", action_id=OPEN_EXECUTION_ID, url=console_url(approval.workflow.execution_arn)
    )
    options = list(_options(approval))
    more = [OverflowMenuElement(action_id=MORE_ID, options=options)] if options else []
    return _row([*_answers(approval, all_shown=all_shown), execution, *more], all_shown=all_shown)


def answers(approval: Approval, *, all_shown: bool, place: int) -> Block:
    """The button of each answer. Nobody approves with a tap what is not shown: that is read on the page first."""
    return _row(_answers(approval, all_shown=all_shown), all_shown=all_shown, place=place)


def read(approval: Approval, text: str) -> ButtonElement:
    """The button that hands out a link to the page, which shows everything."""
    return ButtonElement(text=text, action_id=READ_ID, value=approval.id)


def _row(elements: list[InteractiveElement], *, all_shown: bool, place: int = 0) -> Block:
    return ActionsBlock(elements=elements, block_id=f"{ALL_SHOWN}{place}" if all_shown else None)


def _answers(approval: Approval, *, all_shown: bool) -> list[InteractiveElement]:
    approve = _answer(approval, Action.APPROVE) if all_shown else read(approval, READ_AND_RESPOND)
    return [approve, _answer(approval, Action.REJECT)]


def _answer(approval: Approval, action: Action) -> ButtonElement:
    return ButtonElement(
        text=_WORDS[action],
        style="primary" if action is Action.APPROVE else "danger",
        action_id=ACTION_IDS[action],
        value=approval.id,
        confirm=_confirm(action) if _asks_again(approval, action) else None,
    )


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
    if several:  # Where one response decides, none is left that could be withdrawn.
        found.append(_option("Withdraw my response", WITHDRAW, approval))
    if may_postpone(approval):
        longer = sentences.duration(approval.request.more_time.by)
        found.append(_option(f"Extend deadline by {longer}", MORE_TIME, approval))
    return found


def _option(text: str, word: str, approval: Approval) -> Option:
    return Option(text=PlainTextObject(text=text), value=f"{word}:{approval.id}")
