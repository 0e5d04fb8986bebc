"""Buttons of messages and of the app's Home, a menu of rare actions, and the action IDs of all of them."""

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
from approvals.domain.characters import reveal
from approvals.domain.eligibility import is_quorum
from approvals.domain.kind_wording import words_of
from approvals.domain.model import Action, Approval, Presence, Severity, shorten
from approvals.domain.parts import duration
from approvals.domain.rules import can_extend

ACTION_IDS = {Action.APPROVE: "approval:approve", Action.REJECT: "approval:reject"}
"""The action IDs of Approve and Reject. The button's value is the approval's ID."""

READ_ID = "approval:read"
"""The action ID of the button that leads to the page, if a message does not show all of a request."""

ALL_SHOWN = "all-shown:"
"""Begins the block ID of buttons below a request that is shown in full; its number follows if there are several.

A click on any other approve button does not approve: messages of earlier versions cut requests and did not say so.
"""

OPEN_EXECUTION_ID = "approval:open-execution"
OPEN_MESSAGE_ID = "approval:open-message"
"""The action IDs of the links to the execution and to the request's message: Slack reports clicks on links, too."""

REFRESH_ID = "home:refresh"
"""The action ID of the button that updates the app's Home."""

MENU_ID = "approval:more"
"""The action ID of the menu. An option's value is one of the two choices below, a colon, and the approval's ID."""

WITHDRAW, EXTEND = "withdraw", "more-time"

READ_AND_RESPOND, READ_IN_FULL = "Read and respond", "Read in full"
"""The labels of the button that leads to the page, for people who can respond and for those who can only see it."""


MAX_CONFIRMED = 298
"""Characters of a title that is confirmed, in quotes.

Source: https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
"""


def needs_modal(approval: Approval, action: Action) -> bool:
    """Return True if a response takes a modal: a form to fill in, or a comment."""
    comment = approval.request.comments[action]
    if action is Action.REJECT:
        return comment is not Presence.OFF
    return comment is Presence.REQUIRED or bool(approval.request.form)


def request_buttons(approval: Approval, *, all_shown: bool) -> Block:
    """Return the row of buttons below an open request."""
    execution = ButtonElement(
        text="Open execution", action_id=OPEN_EXECUTION_ID, url=console_url(approval.workflow.execution_arn)
    )
    options = _options(approval)
    menu = [OverflowMenuElement(action_id=MENU_ID, options=options)] if options else []
    return _row([*_responses(approval, all_shown=all_shown), execution, *menu], all_shown=all_shown)


def response_buttons(approval: Approval, *, all_shown: bool, place: int) -> Block:
    """Return Approve and Reject. If not all is shown, a button to the page stands in place of Approve."""
    return _row(_responses(approval, all_shown=all_shown), all_shown=all_shown, place=place)


def page_button(approval: Approval, label: str) -> ButtonElement:
    """Return the button that sends a link to the page, which shows everything."""
    return ButtonElement(text=label, action_id=READ_ID, value=approval.id)


def _row(elements: list[InteractiveElement], *, all_shown: bool, place: int = 0) -> Block:
    return ActionsBlock(elements=elements, block_id=f"{ALL_SHOWN}{place}" if all_shown else None)


def _responses(approval: Approval, *, all_shown: bool) -> list[InteractiveElement]:
    approve = _response(approval, Action.APPROVE) if all_shown else page_button(approval, READ_AND_RESPOND)
    return [approve, _response(approval, Action.REJECT)]


def _response(approval: Approval, action: Action) -> ButtonElement:
    words = words_of(approval)
    label, style = words.buttons[action], "primary" if action is Action.APPROVE else "danger"
    confirm = ConfirmObject(
        title=f"{words.verbs[action].capitalize()} this high-severity {words.request}?",
        text=PlainTextObject(text=f"\u201c{reveal(shorten(approval.title, MAX_CONFIRMED))}\u201d", emoji=False),
        confirm=label,
        deny="Cancel",
        style=style,
    )
    is_confirmed = approval.request.severity is Severity.HIGH and not needs_modal(approval, action)
    return ButtonElement(
        text=label,
        style=style,
        action_id=ACTION_IDS[action],
        value=approval.id,
        confirm=confirm if is_confirmed else None,
    )


def _options(approval: Approval) -> list[Option]:
    options = []
    if is_quorum(approval.request) and approval.standing:  # If one response decides, there is none to withdraw.
        options.append(("Withdraw my response", WITHDRAW))
    if can_extend(approval):
        options.append((f"Extend deadline by {duration(approval.request.more_time.by)}", EXTEND))
    return [Option(text=PlainTextObject(text=label), value=f"{choice}:{approval.id}") for label, choice in options]
