"""Forms that Slack can't show: their approvers are led to the page, and no click ends in nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger
from mypy_boto3_dynamodb import DynamoDBClient
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.model import Action, Approval
from approvals.domain.omissions import fit
from approvals.domain.replies import ReplyKind
from approvals.domain.summary import summarize
from approvals.store.table import ApprovalTable
from bot.directory import SlackDirectory
from bot.listeners.buttons import NOT_OPENED, respond_with
from bot.listeners.payloads import Interaction
from bot.listeners.recorder import Recorder
from bot.surfaces import SLACK_MESSAGE
from bot.views.approval import FORM_ON_THE_PAGE, request_blocks
from bot.views.buttons import ACTION_IDS, READ_ID
from bot.views.home import home_view
from bot.views.modal import fits_in_modal
from bot.visibility import Overview
from demo.slack.block_kit import SlackError, check_home, check_message, check_view
from tests.support.builders import BOB, NOW, an_approval
from tests.support.tables import REPLIES


def choice(name: str, number: int = 100) -> FormField:
    choices = tuple(f"{place:03} {'x' * 70}" for place in range(number))
    return FormField(name=name, label="Which of them?", type=FieldType.CHOICE, choices=choices)


def with_form(*form: FormField) -> Approval:
    return an_approval(request=replace(an_approval().request, form=form))


SMALL = with_form(choice("Order"))
LARGE = with_form(*(choice(f"Order{number}") for number in range(20)))


@dataclass
class Opener:
    """Slack's client of the listener: it checks a modal as Slack does, and opens it unless it has an error to give."""

    error: str = ""
    opened: list[dict[str, Any]] = field(default_factory=list)

    def views_open(self, *, trigger_id: str, view: View) -> None:  # noqa: ARG002 the name is Slack's
        try:
            self.opened.append(check_view(view.to_dict()))
        except SlackError as error:
            self._refuse(str(error))
        if self.error:
            self._refuse(self.error)

    def _refuse(self, error: str) -> None:
        answer = {"ok": False, "error": error}
        raise SlackApiError("refused", cast("Any", answer))  # type: ignore[no-untyped-call]


Click = Callable[[Approval, Action], tuple[str, str]]


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def click(table: ApprovalTable, dynamodb: DynamoDBClient, opener: Opener, logger: Logger) -> Click:
    """Clicks a button below a request; returns kind and text of the reply, both empty if there is none."""

    def click(approval: Approval, action: Action) -> tuple[str, str]:
        table.add(approval)
        interaction = Interaction(
            approval_id=approval.id, approver=BOB, channel="C0APPROVALS", key="1.2", trigger="1.2",
            at=NOW, sent_at=NOW, unseen=False, all_shown=True,
        )  # fmt: skip
        recorder = Recorder(table, cast("SlackDirectory", None), lambda: False, logger)
        acknowledged: list[None] = []
        respond_with(
            action,
            cast("Any", lambda: acknowledged.append(None)),
            interaction,
            approval,
            cast("WebClient", opener),
            recorder,
            lambda: False,
            logger,
        )
        assert acknowledged
        assert table.get(approval.id).responses == ()
        [*items] = dynamodb.scan(TableName=REPLIES)["Items"]
        return (items[0]["kind"]["S"], items[0]["text"]["S"]) if items else ("", "")

    return click


def buttons(blocks: list[dict[str, Any]]) -> list[str]:
    return [each["action_id"] for block in blocks for each in block.get("elements", ()) if "action_id" in each]


def test_form_at_slacks_limit_is_one_that_slack_takes() -> None:
    sizes = {fits_in_modal(with_form(*(choice(f"F{number}") for number in range(many))), Action.APPROVE): many
             for many in range(1, 21)}  # fmt: skip
    assert sizes.keys() == {True, False}


def test_message_with_a_form_too_large_leads_to_the_page_and_says_so() -> None:
    assert fit(LARGE, SLACK_MESSAGE).is_complete
    blocks = [block.to_dict() for block in request_blocks(LARGE)]
    assert check_message(blocks)
    found = buttons(blocks)
    assert READ_ID in found
    assert ACTION_IDS[Action.APPROVE] not in found
    assert ACTION_IDS[Action.REJECT] in found
    assert FORM_ON_THE_PAGE in json.dumps(blocks, ensure_ascii=False)
    assert ACTION_IDS[Action.APPROVE] in buttons([block.to_dict() for block in request_blocks(SMALL)])


def test_home_with_a_form_too_large_leads_to_the_page_and_says_so() -> None:
    view = home_view(Overview(waiting=[summarize(LARGE)]), [LARGE], lambda _message: "https://x.test/p", now=NOW)
    home = check_home(view.to_dict())
    found = buttons(home["blocks"])
    assert READ_ID in found
    assert ACTION_IDS[Action.APPROVE] not in found
    assert FORM_ON_THE_PAGE in json.dumps(home, ensure_ascii=False)


def test_approve_of_an_earlier_message_with_a_form_too_large_gets_the_page(click: Click, opener: Opener) -> None:
    assert click(LARGE, Action.APPROVE) == (ReplyKind.PAGE_LINK.value, LARGE.id)
    assert opener.opened == []


def test_rejection_of_a_request_with_a_form_too_large_opens_its_modal(click: Click, opener: Opener) -> None:
    assert click(LARGE, Action.REJECT) == ("", "")
    assert len(opener.opened) == 1


@pytest.mark.parametrize("error", ["view_too_large", "invalid_arguments", "invalid_blocks"])
def test_modal_that_slack_does_not_show_gets_the_page(click: Click, opener: Opener, error: str) -> None:
    opener.error = error
    assert click(SMALL, Action.APPROVE) == (ReplyKind.PAGE_LINK.value, SMALL.id)


def test_modal_that_slack_opens_too_late_asks_for_another_click(click: Click, opener: Opener) -> None:
    opener.error = "expired_trigger_id"
    assert click(SMALL, Action.APPROVE) == (ReplyKind.EPHEMERAL.value, NOT_OPENED)
