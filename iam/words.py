"""What the core says of the channel. Pure."""

from __future__ import annotations

from approvals.domain.eligibility import Reason
from approvals.domain.profiles import ChannelProfile, register
from iam.addresses import IAM, is_role

NOT_PROVEN = "Your session does not identify a person."
NOT_ASKED = "By IAM, people can respond only to requests that name them or their role."
NOT_AN_OVERRIDER = "The approval policy does not let your role override this request."
UNKNOWN_REQUESTER = "The requester has no known email address, so you can't override: it could be your own request."


def register_words() -> None:
    """Tell the core how it names the channel, and what the names of roles look like."""
    register(
        IAM,
        ChannelProfile(
            where="by IAM",
            opened="Open to {who} by IAM.",
            name="IAM",
            refusals={
                Reason.NOT_PROVEN: NOT_PROVEN,
                Reason.NOT_ASKED: NOT_ASKED,
                Reason.NOT_AN_OVERRIDER: NOT_AN_OVERRIDER,
                Reason.UNKNOWN_REQUESTER: UNKNOWN_REQUESTER,
            },
            forms={"approver": ["the ARN of an IAM role (arn:…)"]},
            is_group=is_role,
        ),
    )
