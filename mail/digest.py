"""Sends the mails that came too fast for SNS, folded into one for each recipient: what waits, and what has ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from approvals.domain.errors import DeliveryError
from approvals.domain.model import Approval
from approvals.domain.steps import recipient_of
from approvals.store.reading import UnreadableError
from approvals.store.table import ApprovalTable, NotFoundError
from mail.digest_message import digest_mail
from mail.messages import Links, mail_for
from mail.sns import Mail, Mailer

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.typing import LambdaContext

PAUSE = 0.25
"""Seconds between two looks for a free slot."""


class DigestSender:
    """Takes a batch of mails that are owed and sends one to each recipient. What it can't send stays in the queue."""

    def __init__(
        self,
        *,
        table: ApprovalTable,
        mailer: Mailer,
        take_slot: Callable[[str], bool],
        email: str,
        links: Links,
        clock: Callable[[], datetime],
        sleep: Callable[[float], None],
        logger: Logger,
    ) -> None:
        self._table = table
        self._mailer = mailer
        self._take_slot = take_slot
        self._email = email
        self._links = links
        self._clock = clock
        self._sleep = sleep
        self._logger = logger

    def __call__(self, event: Mapping[str, Any], _context: LambdaContext) -> None:
        """Takes a batch of the mail queue. Raises when a mail can't be sent: then all of the batch comes back."""
        mails = [json.loads(record["body"]) for record in event["Records"]]
        wanted: dict[str, set[tuple[str, str]]] = {}
        for mail in mails:
            wanted.setdefault(recipient_of(mail["step"]), set()).add((str(mail["id"]), str(mail["step"])))
        failures: list[Exception] = []
        for to, each in wanted.items():
            failures += self._tell(to, each)
        if failures:
            raise failures[0]

    def _tell(self, recipient: str, wanted: set[tuple[str, str]]) -> list[Exception]:
        """Sends one recipient's mail; returns why not all of it. What was sent is marked: it does not come back."""
        owed, failures = self._owed(wanted)
        if not owed:
            return failures
        try:
            self._send(self._mail(recipient, owed))
        except DeliveryError as failure:
            self._logger.warning("mail not sent, will be tried again", extra={"reason": str(failure)})
            return [*failures, failure]
        for approval, step, _ in owed:
            with self._logger.append_context_keys(approval_id=approval.id):
                self._table.mark(approval, step, self._clock())
                self._logger.info("mail sent", extra={"step": step, "folded": len(owed)})
        return failures

    def _owed(self, wanted: set[tuple[str, str]]) -> tuple[list[tuple[Approval, str, Mail]], list[Exception]]:
        """What of it was not sent meanwhile and still makes sense, oldest first; with its mail if it were alone.

        And what can't be read, which must not keep people from the other mails.
        """
        found: list[tuple[Approval, str, Mail]] = []
        failures: list[Exception] = []
        for approval_id, step in sorted(wanted):
            try:
                approval = self._table.get(approval_id)
            except NotFoundError:
                continue
            except UnreadableError as error:
                with self._logger.append_context_keys(approval_id=approval_id):
                    self._logger.exception("mail not sent, the record can't be read")
                failures.append(error)
                continue
            mail = mail_for(approval, step, self._links)
            if step not in approval.steps and mail:
                found.append((approval, step, mail))
        return sorted(found, key=lambda each: each[0].requested_at), failures

    def _mail(self, recipient: str, owed: list[tuple[Approval, str, Mail]]) -> Mail:
        if len(owed) == 1:
            return owed[0][2]
        approvals = list({approval.id: approval for approval, _, _ in owed}.values())
        return digest_mail(approvals, recipient, self._links, stack_email=self._email)

    def _send(self, mail: Mail) -> None:
        while not self._take_slot(mail.to):  # Bounded by the function's timeout: the batch comes back then.
            self._sleep(PAUSE)
        self._mailer.send(mail)
