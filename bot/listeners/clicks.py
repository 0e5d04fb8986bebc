"""Clicks on buttons and menus about an approval."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger
from slack_bolt import Ack, BoltContext, BoltResponse

from approvals.domain.model import Approval, Approver, Note
from approvals.domain.rules import Judgement, Verdict
from approvals.domain.signed_links import is_approval_id
from approvals.store.table import ApprovalTable, NotFound, RecordFullError
from bot.listeners.payloads import MalformedError, approver, reading, text
from bot.listeners.replies import GONE, NO_ROOM, message, reply_id
from bot.listeners.responses import MemberCheck, PersonsEvent, record
from bot.views.buttons import ALL_SHOWN

_RECORDED = frozenset({Verdict.DECIDED, Verdict.COUNTED, Verdict.WITHDRAWN})
"""The verdicts on clicks that change the record and are told in a reply."""


@dataclass(frozen=True, slots=True)
class Click:
    """A `block_actions` payload. `word` is the choice in a menu; empty for a button.

    `channel` is empty in the app's Home. `trigger` opens a dialog within 3 seconds; empty if Slack sent none. `unseen`
    is set where nothing shows that the response counts: in the Home, and in an ephemeral message, which is never
    edited. `all_shown` says that all of the request stands above the button.

    Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload/
    """

    approval_id: str
    approver: Approver
    channel: str
    trigger: str
    key: str
    word: str = ""
    unseen: bool = False
    all_shown: bool = False

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Click:
        """Read the payload. Raises `MalformedError` if it is not a click on a button or menu of ours."""
        with reading("a click on a button"):
            element = body["actions"][0]
            chosen = element.get("selected_option")
            word, _, value = text(chosen["value"]).rpartition(":") if chosen else ("", "", text(element["value"]))
            at_home = body["container"].get("type") == "view"
            key = text(body.get("trigger_id") or element["action_ts"])
            click = cls(
                approval_id=value,
                approver=approver(body),
                channel="" if at_home else text(body["container"]["channel_id"]),
                trigger=key if body.get("trigger_id") else "",
                key=key,
                word=word,
                unseen=at_home or body["container"].get("is_ephemeral") is True,
                all_shown=str(element.get("block_id")).startswith(ALL_SHOWN),
            )
        if not is_approval_id(click.approval_id):
            raise MalformedError("the button's value is not an approval's ID")
        return click


def find_approval(
    ack: Ack,
    body: Mapping[str, Any],
    context: BoltContext,
    next_: Callable[[], object],
    table: ApprovalTable,
    now: datetime,
    log: Logger,
) -> BoltResponse | None:
    """Put the click and its approval into the context; without a record, tell the person and acknowledge.

    Listener middleware. Raises `MalformedError`.
    Source: https://docs.slack.dev/tools/bolt-python/concepts/listener-middleware
    """
    context["click"] = click = Click.parse(body)
    log.append_keys(approval_id=click.approval_id)
    try:
        context["approval"] = table.get(click.approval_id)
    except NotFound:
        log.warning("click on an unknown approval")
        table.leave_note(reply_to(click, GONE, now))
        return ack()
    next_()
    return None


def record_click(
    click: Click,
    approval: Approval,
    event: PersonsEvent,
    tell: Callable[[Judgement], str | None],
    *,
    table: ApprovalTable,
    now: datetime,
    log: Logger,
    check_member: MemberCheck | None,
) -> None:
    """Record a click's event, with a reply that says what `tell` returns; if the record is full, reply that it is.

    What `tell` raises keeps the event from being recorded.
    """

    def reply(judgement: Judgement) -> Note | None:
        said = tell(judgement)
        return reply_to(click, said, now, recorded=judgement.verdict in _RECORDED) if said else None

    try:
        verdict = record(table, approval, event, reply, check_member).verdict
    except RecordFullError:
        log.exception("response not recorded, the record is full")
        table.leave_note(reply_to(click, NO_ROOM, now))
    else:
        log.info("click in slack", extra={"event": type(event).__name__, "verdict": verdict.value})


def reply_to(click: Click, said: str, now: datetime, *, recorded: bool = False) -> Note:
    """Return a reply to the person who clicked: an ephemeral message in a channel, a line above the lists in the Home.

    Each click that recorded something gets its own reply; otherwise a person gets the same words once a minute.
    """
    # Slack repeats a click that it holds for lost, with the same trigger: its reply is the same one.
    about = click.key if recorded else f"{said}:{now:%Y-%m-%dT%H:%M}"
    return message(reply_id(click.approval_id, click.approver.id, about), click.approver, click.channel, said, now)
