"""Say why a response was refused, and who can respond."""

from __future__ import annotations

from collections.abc import Mapping

from approvals.domain.eligibility import Reason
from approvals.domain.model import Approval
from approvals.domain.parts import Text, join_texts, text
from approvals.domain.profiles import refusal
from approvals.domain.wording import quoted_title, rules_sentence, still_open

TOO_EARLY = "Your response was not recorded: the approvers are still being looked up. Try again in a moment."

WHY: Mapping[Reason, str] = {
    Reason.SHARED_ADDRESS: (
        "Several people may read this address, so it can respond only where the first response decides."
    ),
    Reason.OWN_REQUEST: "This is your own request, so another person must respond.",
    Reason.POLICY: "The approval policy of this stack does not let you approve.",
    Reason.REQUESTERS_DELEGATE: "You can't respond for the person who made this request.",
    Reason.NOT_A_DELEGATE: "You are not the delegate of an approver now.",
    Reason.SEAT_FILLED: "The people for whom you can respond have already responded.",
}
"""The reasons that are the same on every channel. A channel registers the words for its own."""

_SAY_ALL = frozenset(
    {
        *(Reason.NOT_A_MEMBER, Reason.OTHER_WORKSPACE, Reason.NOT_PROVEN),
        *(Reason.NOT_AN_OVERRIDER, Reason.UNKNOWN_REQUESTER),
    }
)
"""Reasons that are not followed by who can respond: it would not help these people, or say that they can."""


def refusal_reply(approval: Approval, reason: Reason) -> Text:
    """Return why a response was refused and who can respond, with the request's title."""
    return join_texts([quoted_title(approval), refusal_reason(approval, reason)])


def refusal_reason(approval: Approval, reason: Reason) -> Text:
    """Return why a response was refused, and who can respond."""
    if reason is Reason.TOO_EARLY:
        return text(TOO_EARLY)
    why = WHY.get(reason) or refusal(reason)
    if reason is Reason.UNCHECKED:
        return text(why)
    who = "" if reason in _SAY_ALL else rules_sentence(approval)
    return join_texts(["Your response was not recorded.", why, who, still_open(approval)])
