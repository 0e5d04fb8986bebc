"""The link that a request comes with: its approval, its recipient, and what the page behind it showed.

A page remembers the approval that it showed, so that a form that a browser sends again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from approvals.domain.eligibility import responder
from approvals.domain.form_changes import form_key
from approvals.domain.model import Action, Approval, Presence, Severity
from approvals.domain.people import Approver, Person
from approvals.domain.signed_links import ALL_SHOWN, approver_of, is_approval_id, signed_recipient
from approvals.store.table import ApprovalTable, NotFoundError
from web.http import COPY_WHOLE, PageError

SEEN = "seen"
"""The field: how many responses of the person were withdrawn or reset when their page was made, with how often the
request had been asked again, and how many extensions it had."""

VALUES = "values"
"""The field: which values of the request's form the page showed that other approvers filled in; empty if none."""

_FIRST = "0.0"
"""Its value for links, and for pages of earlier versions."""

_STATE = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
"""The only valid form: it is stored in the record, whose largest size is calculated when the request is made."""

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
        seen = f"{self._withdrawn}.{len(self.approval.extensions)}"
        values = form_key(self.approval)
        return {**self.fields, SEEN: seen, **({VALUES: values} if values else {})}

    @property
    def withdrawal_state(self) -> str:
        """The key of a response or a withdrawal. It changes after a withdrawal that the page knew of."""
        return self._seen[0]

    @property
    def extension_state(self) -> str:
        """The key of an extension. It changes after an extension that the page knew of."""
        return self._seen[2]

    @property
    def shown_values(self) -> str:
        """Which values of other approvers the page showed."""
        return self.sent.get(VALUES, "")

    @property
    def is_outdated(self) -> bool:
        """Return True if a response of the person was withdrawn, on any channel, or reset since their page was made.

        So too if the approval was asked again since.
        """
        return int(self.withdrawal_state) < self._withdrawn

    @property
    def _withdrawn(self) -> int:
        return len(withdrawals(self.approval, self.approver)) + len(self.approval.asked_again)

    @property
    def _seen(self) -> tuple[str, str, str]:
        sent = self.sent.get(SEEN, "")
        return (sent if _STATE.fullmatch(sent) else _FIRST).partition(".")

    @property
    def can_respond_alone(self) -> bool:
        """Return True if opening the link can be the whole response: the email showed all, and nothing is filled in."""
        request = self.approval.request
        return (
            bool(self.sent.get(ALL_SHOWN))
            and self.approver.realm is None
            and request.severity is Severity.NORMAL
            and request.comments[self.action] is not Presence.REQUIRED
            and not request.form
        )


def read_link(sent: Mapping[str, str], table: ApprovalTable) -> Link:
    """Read the link in the fields that were sent, and its approval. Raise `PageError` or `NotFoundError`."""
    if not all(sent.get(name) for name in _REQUIRED):
        raise PageError(HTTPStatus.BAD_REQUEST, f"Part of the link is missing. {COPY_WHOLE}")
    try:
        action = Action(sent["action"])
    except ValueError:
        raise PageError(HTTPStatus.BAD_REQUEST, f'The link says neither "approve" nor "reject". {COPY_WHOLE}') from None
    if not is_approval_id(sent["id"]):
        raise NotFoundError(sent["id"])
    approval = table.get(sent["id"])
    recipient = signed_recipient(approval, sent["to"], sent["sig"])
    if recipient is None:
        raise PageError(HTTPStatus.FORBIDDEN, f"The link was changed, so it can't be verified. {COPY_WHOLE}")
    return Link(approval, action, recipient, {**sent, "to": recipient})


def withdrawals(approval: Approval, approver: Approver) -> list[datetime]:
    """Return when the person withdrew responses, on any channel, or when theirs were reset or withdrawn for them."""
    person = responder(approval, approver)
    if not isinstance(person, Person):
        return []
    mine = [each for each in approval.responses if person.id in (each.person, each.withdrawn_by)]
    return [each.withdrawn_at for each in mine if each.withdrawn_at]
