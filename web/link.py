"""The link that a request comes with: its approval, its recipient, and whether its signature is valid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from approvals.domain.model import Action, Approval, Approver, Channel, Presence, Severity
from approvals.domain.signed_links import ALL_SHOWN, approver_of, is_approval_id, verify
from approvals.store.table import ApprovalTable, NotFound
from web import page_state
from web.http import COPY_WHOLE, PageError

_REQUIRED = ("action", "id", "to", "sig")
_FIELDS = ("action", "ex", "sm", "id", "to", "sig")


@dataclass(frozen=True, slots=True)
class Link:
    """A link with a valid signature, and all fields that were sent with it."""

    approval: Approval
    action: Action
    recipient: str
    sent: Mapping[str, str]

    @property
    def approver(self) -> Approver:
        """The person whom the link was sent to, who responds through it."""
        return approver_of(self.approval, self.recipient)

    @property
    def do(self) -> str:
        """What a button asks for other than a response, such as `withdraw`; empty for a response."""
        return self.sent.get("do", "")

    @property
    def fields(self) -> dict[str, str]:
        """The link's own fields, which lead back to it."""
        return {name: self.sent[name] for name in _FIELDS if name in self.sent}

    @property
    def page_fields(self) -> dict[str, str]:
        """The fields that a form on a page about the approval sends back."""
        return {**self.fields, **page_state.seen(self.approval, self.approver)}

    @property
    def can_respond_alone(self) -> bool:
        """Return True if opening the link can be the whole response: the email showed all, and nothing is filled in."""
        request = self.approval.request
        return (
            bool(self.sent.get(ALL_SHOWN))
            and self.approver.channel == Channel.EMAIL
            and request.severity is Severity.NORMAL
            and request.comments[self.action] is not Presence.REQUIRED
            and not request.form
        )


def read_link(sent: Mapping[str, str], table: ApprovalTable) -> Link:
    """Read the link in the fields that were sent, and its approval. Raise `PageError` or `NotFound`."""
    if not all(sent.get(name) for name in _REQUIRED):
        raise PageError(HTTPStatus.BAD_REQUEST, f"A part of it is missing. {COPY_WHOLE}")
    try:
        action = Action(sent["action"])
    except ValueError:
        raise PageError(HTTPStatus.BAD_REQUEST, f"It asks neither to approve nor to reject. {COPY_WHOLE}") from None
    if not is_approval_id(sent["id"]):
        raise NotFound(sent["id"])
    approval = table.get(sent["id"])
    if not verify(approval, sent["to"], sent["sig"]):
        raise PageError(HTTPStatus.FORBIDDEN, f"The link was changed, so it can't be verified. {COPY_WHOLE}")
    return Link(approval, action, sent["to"], sent)
