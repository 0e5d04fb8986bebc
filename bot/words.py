"""What the core says of Slack. Pure."""

from __future__ import annotations

from approvals.domain.eligibility import Reason
from approvals.domain.profiles import ChannelProfile, register
from bot.addresses import SLACK, is_slack_group, is_slack_place, is_slack_user

NOT_OF_THE_WORKSPACE = (
    "Only members of the Approvals app's own Slack workspace can respond, and Slack does not list you as one."
)
NOT_A_MEMBER = "Guests of this Slack workspace can respond only to requests that name them as approvers."
UNCHECKED = "Nothing was recorded: Slack did not say whether you are a full member of this workspace. Try again."


def register_words() -> None:
    """Tell the core how it names the channel, and what Slack's names look like."""
    register(
        SLACK,
        ChannelProfile(
            where="in Slack",
            directly="in a direct message in Slack",
            missing="Slack is not connected to this stack. Run `approvals slack connect`, or use an email address.",
            name="Slack",
            is_open=True,
            refusals={
                Reason.OTHER_WORKSPACE: NOT_OF_THE_WORKSPACE,
                Reason.NOT_A_MEMBER: NOT_A_MEMBER,
                Reason.UNCHECKED: UNCHECKED,
            },
            forms={
                "person": ["a Slack user ID"],
                "approver": ["a Slack user ID (U\u2026)", "a Slack user group ID (S\u2026)"],
                "channel": ["the ID of a Slack channel (C\u2026) or user (U\u2026)"],
            },
            is_person=is_slack_user,
            is_group=is_slack_group,
            is_place=is_slack_place,
        ),
    )
