"""`POST /answers`, called as API Gateway calls it for a request that AWS has authorized."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import boto3
import pytest
from aws_lambda_powertools import Logger
from mypy_boto3_dynamodb import DynamoDBClient

from approvals.adapters.policy_store import PolicyUnavailableError
from approvals.domain.errors import ConflictError
from approvals.domain.form_fields import FieldType, FormField
from approvals.domain.judgement import Cancellation, Expiry, Withdrawal
from approvals.domain.model import Action, Approval, Presence, Request, Severity, Status
from approvals.domain.people import Approver, People, Person
from approvals.domain.pinned_policy import PersonRole, PinnedPolicy
from approvals.domain.policy import Policy
from approvals.services.respond import respond
from approvals.store.items import LISTED
from approvals.store.table import ApprovalTable
from iam import body as bodies
from iam.handler import UNEXPECTED, ResponseHandler
from tests.support.broken_records import leave_no_room
from tests.support.builders import NOW, a_response, an_approval
from tests.support.changing_policy import ask_again
from tests.support.fakes import Clock
from tests.support.functions import start
from tests.support.iam_callers import ACCOUNT, SSO, SSO_ROLE, a_body, a_caller, a_signed_call
from tests.support.overrides import BREAK_GLASS, BREAK_GLASS_ROLE, OVERRIDABLE, PINNED, REASON, TODAY
from tests.support.tables import TABLE

ALICE, BO, RO = (f"{name}@example.com" for name in ("alice", "bo", "ro"))
BY_EMAIL = Approver(id=BO, name=BO, channel="email")
ROLE = Person(id=SSO_ROLE, name=f"role {SSO}", identities={"iam": SSO_ROLE})
VERSION = FormField(name="version", label="Version", type=FieldType.TEXT, required=True)
SIZE = FormField(name="size", label="Size", type=FieldType.NUMBER, minimum=1, maximum=9)
UNPROVEN = [
    a_caller(role="Deployer"),
    a_caller(account="210987654321"),
    a_caller(userArn=f"arn:aws:iam::{ACCOUNT}:user/{ALICE}", caller=f"AIDAEXAMPLE:{ALICE}"),
    a_caller(userArn=f"arn:aws:iam::{ACCOUNT}:root", caller=ACCOUNT),
    a_caller("alice"),
    {},
]


def a_person(address: str) -> Person:
    return Person(id=address, name=address, identities={"email": address})


@dataclass
class Today:
    """Today's policy, None without one; `broken` if it can't be read. `counted` is how often that was counted."""

    policy: Policy | None = OVERRIDABLE
    broken: bool = False
    read: int = 0
    counted: int = 0

    def __call__(self) -> Policy | None:
        self.read += 1
        if self.broken:
            raise PolicyUnavailableError("The approval policy /approvals/policy can't be read (ParameterNotFound).")
        return self.policy

    def count(self) -> None:
        self.counted += 1


@dataclass
class Api:
    """The API of a stack, with one pending approval on record that alice, bo or people of a role may approve."""

    table: ApprovalTable
    handler: ResponseHandler
    context: Any
    log: StringIO
    today: Today

    def send(self, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        response = self.handler(event, self.context)
        assert response["headers"]["Content-Type"] == "application/json"
        found: dict[str, Any] = json.loads(response["body"])
        return response["statusCode"], found

    def call(self, action: str = "approve", name: str = ALICE, **more: Any) -> tuple[int, dict[str, Any]]:
        """Respond to the approval as it is now."""
        return self.send(a_signed_call(a_body(self.record, action, **more), a_caller(name)))

    def put(self, *approvers: Person, **asked: Any) -> Approval:
        """Store another approval in the place of the one on record."""
        named = approvers or (a_person(ALICE), a_person(BO), ROLE)
        changed = {"title": "Deploy", "timeout": timedelta(hours=1), "digest": "d" * 64, **asked}
        request = Request(requested_by=RO, approvers=tuple(person.id for person in named), **changed)
        people = People(approvers=named, requester=a_person(RO))
        boto3.client("dynamodb").delete_item(TableName=TABLE, Key={"id": {"S": an_approval().id}})
        self.table.add(an_approval(request=request, people=people, deliveries=()))
        return self.record

    @property
    def record(self) -> Approval:
        return self.table.get(an_approval().id)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


@pytest.fixture
def api(dynamodb: DynamoDBClient, clock: Clock, context: Any) -> Api:
    log = StringIO()
    logger = Logger(service=f"iam-{uuid4()}", stream=log)  # A logger of the same name would keep its first stream.
    table = ApprovalTable(dynamodb, TABLE, attributes=LISTED)
    clock.now = NOW + timedelta(minutes=5)
    today = Today()
    handler = ResponseHandler(
        table=table, account=ACCOUNT, clock=clock, logger=logger, read_policy=today, policy_unavailable=today.count
    )
    made = Api(table, handler, context, log, today)
    made.put()
    return made


@pytest.mark.parametrize(("action", "status"), [("approve", Status.APPROVED), ("reject", Status.REJECTED)])
def test_a_signed_response_decides_and_its_proof_is_on_record(api: Api, action: str, status: Status) -> None:
    code, said = api.call(action, Comment=" Looks\r\ngood ")
    assert (code, said["Verdict"], said["Status"], said["Problems"]) == (200, "DECIDED", status, {})
    assert f"{status.capitalize()} by {ALICE} by IAM" in said["Message"]
    [response] = api.record.responses
    assert response.approver == Approver(id=ALICE, name=ALICE, channel="iam")
    assert (response.approver.role, response.comment) == (SSO_ROLE, "Looks\ngood")
    assert api.record.status is status


def test_people_of_a_named_role_respond_and_those_of_another_do_not(api: Api) -> None:
    api.put(ROLE)
    other = a_caller("cy@example.com", "AWSReservedSSO_Reader_fedcba9876543210")
    code, said = api.send(a_signed_call(a_body(api.record), other))
    assert (code, said["Verdict"]) == (403, "NOT_ALLOWED")
    assert f"Only role {SSO} can respond" in said["Message"]
    assert [refusal.reason for refusal in api.record.refusals] == ["NOT_AN_APPROVER"]
    assert api.call(name="cy@example.com")[0] == 200


@pytest.mark.parametrize("identity", UNPROVEN, ids=lambda identity: str(identity.get("userArn")))
@pytest.mark.parametrize("action", ["approve", "reject", "withdraw"])
def test_who_is_not_proven_to_be_a_person_is_refused_on_record(api: Api, identity: dict[str, Any], action: str) -> None:
    api.put(a_person(ALICE), ROLE)
    code, said = api.send(a_signed_call(a_body(api.record, action), identity))
    assert (code, said["Message"], said["Status"]) == (403, "Your session does not identify a person.", None)
    assert api.record.responses == ()
    assert [refusal.reason for refusal in api.record.refusals] == (["NOT_PROVEN"] if action != "withdraw" else [])
    line = next(line for line in api.lines if line["message"] == "response by IAM")
    assert line["reason"] == "NOT_PROVEN"
    assert line["unproven"]
    assert line["caller"] == str(identity.get("userArn"))


@pytest.mark.parametrize(("roles", "status"), [([], 403), ([f"{SSO_ROLE[:-1]}0"], 403), ([SSO_ROLE], 200), (None, 200)])
def test_the_policy_under_which_it_was_asked_says_whose_sessions_are_people(
    api: Api, roles: list[str] | None, status: int
) -> None:
    policy = PinnedPolicy(
        parameter="/policy",
        version=1,
        sha256="0" * 64,
        person_roles=tuple(PersonRole(role=each) for each in roles or ()),
    )
    api.put(a_person(ALICE), policy=None if roles is None else policy)
    assert api.call()[0] == status


def test_who_is_not_proven_learns_no_outcome(api: Api) -> None:
    api.call()
    code, said = api.send(a_signed_call(a_body(api.record), a_caller(role="Deployer")))
    assert (code, said["Message"], said["Status"]) == (403, "Your session does not identify a person.", None)


def test_one_role_is_refused_on_record_once_whatever_its_sessions_are_called(api: Api) -> None:
    for name in ("one", "two", "three"):
        api.send(a_signed_call(a_body(api.record), a_caller(name, "Deployer")))
    [refusal] = api.record.refusals
    assert refusal.approver.role == f"arn:aws:iam::{ACCOUNT}:role/Deployer"


def test_the_requester_cannot_decide(api: Api) -> None:
    code, said = api.call(name=RO)
    assert (code, said["Verdict"]) == (403, "NOT_ALLOWED")
    assert api.record.status is Status.PENDING


def test_where_nobody_is_named_nobody_responds_by_iam(api: Api) -> None:
    open_to_all = an_approval(id="c" * 32, request=Request(title="x", timeout=timedelta(hours=1), digest="d"))
    api.table.add(open_to_all)
    code, said = api.send(a_signed_call(a_body(open_to_all)))
    assert code == 403
    assert "By IAM, people can respond only to requests that name them or their role." in said["Message"]


# The body is for this request, as it was seen.


def test_a_body_for_another_request_is_refused(api: Api) -> None:
    """Its ID and digest are signed, so that it can't be changed; and they must fit each other."""
    code, said = api.call(Digest="e" * 64)
    assert (code, said["Message"].partition(".")[0]) == (409, "The digest is not this request's")
    assert api.call(ApprovalId="c" * 32)[0] == 404
    assert api.record.responses == ()


def test_a_body_that_is_sent_again_changes_nothing_after_a_withdrawal(api: Api, clock: Clock) -> None:
    api.put(a_person(ALICE), a_person(BO), required_approvals=2)
    event = a_signed_call(a_body(api.record))
    assert api.send(event)[1]["Verdict"] == "COUNTED"
    assert api.send(event)[1]["Verdict"] == "REPEATED"
    clock.pass_(minutes=2)
    assert api.call("withdraw")[0] == 200
    code, said = api.send(event)
    assert (code, said["Verdict"]) == (409, "ALREADY_USED")
    assert api.record.standing == ()
    clock.pass_(minutes=2)
    assert api.call()[1]["Verdict"] == "COUNTED", "after another look it is a new response"


def test_a_body_from_before_a_withdrawal_elsewhere_is_refused(api: Api, clock: Clock) -> None:
    alice = Approver(id=ALICE, name=ALICE, channel="email")
    api.put(a_person(ALICE), a_person(BO), required_approvals=2)
    event = a_signed_call(a_body(api.record))
    respond(api.table, api.record, a_response(approver=alice))
    respond(api.table, api.record, Withdrawal(alice, clock()))
    code, said = api.send(event)
    assert (code, said["Verdict"]) == (409, "ALREADY_USED")
    assert "after you looked" in said["Message"]


def test_an_old_body_of_somebody_who_may_not_respond_is_a_refusal_like_any_other(api: Api, clock: Clock) -> None:
    api.put(a_person(BO), a_person(ALICE), required_approvals=2)
    event = a_signed_call(a_body(api.record), a_caller("eve@example.com"))
    respond(api.table, api.record, a_response(approver=BY_EMAIL))
    respond(api.table, api.record, Withdrawal(BY_EMAIL, clock()))
    assert api.send(event)[0] == 403
    assert [refusal.approver.id for refusal in api.record.refusals] == ["eve@example.com"]


# Forms, comments, severity.


def test_a_form_is_typed_and_judged_field_by_field(api: Api) -> None:
    api.put(form=(VERSION, SIZE))
    code, said = api.call(Form={"size": "3", "color": "red"})
    assert (code, said["Verdict"]) == (400, "INCOMPLETE")
    assert set(said["Problems"]) == {"version", "size", "color"}
    assert api.call(Form={"version": "2.4.1", "size": 3})[0] == 200
    assert [response.form for response in api.record.responses] == [{"version": "2.4.1", "size": 3}]


def test_a_rejection_has_no_form(api: Api) -> None:
    api.put(form=(VERSION,))
    assert api.call("reject", Form={"version": "2.4.1"})[1]["Problems"] == {
        "version": "The request does not ask for this."
    }
    assert api.call("reject")[0] == 200


def test_other_values_than_those_that_were_seen_are_outdated(api: Api) -> None:
    api.put(a_person(ALICE), a_person(BO), form=(VERSION,), required_approvals=2)
    event = a_signed_call(a_body(api.record, Form={"version": "2"}))
    respond(api.table, api.record, replace(a_response(approver=BY_EMAIL), form={"version": "1"}))
    code, said = api.send(event)
    assert (code, said["Verdict"]) == (409, "OUTDATED")
    assert BO in said["Message"]
    assert api.call(Form={"version": "2"})[1]["Verdict"] == "RESET", "after they were seen, they may be replaced"


def test_what_was_signed_before_the_policy_changed_is_outdated(api: Api, clock: Clock) -> None:
    """Also of a person who had not responded."""
    api.put()
    event = a_signed_call(a_body(api.record))
    table, roles = ApprovalTable(boto3.client("dynamodb"), TABLE), (PersonRole(role=SSO_ROLE),)
    ask_again(table, api.record, clock(), person_roles=roles)
    code, said = api.send(event)
    assert (code, said["Verdict"]) == (409, "ALREADY_USED")
    assert "or the policy changed, after you looked at this request" in said["Message"]
    assert api.call()[1]["Verdict"] == "DECIDED"


def test_a_required_comment_is_asked_for(api: Api) -> None:
    api.put(comments={Action.APPROVE: Presence.OPTIONAL, Action.REJECT: Presence.REQUIRED})
    code, said = api.call("reject")
    assert (code, list(said["Problems"])) == (400, ["comment"])


def test_high_severity_needs_a_second_confirmation(api: Api) -> None:
    api.put(severity=Severity.HIGH)
    code, said = api.call()
    assert (code, list(said["Problems"])) == (400, ["Confirmed"])
    assert api.record.status is Status.PENDING
    assert api.call(Confirmed=True)[0] == 200


def test_a_withdrawal_needs_no_second_confirmation(api: Api, clock: Clock) -> None:
    api.put(a_person(ALICE), a_person(BO), severity=Severity.HIGH, required_approvals=2)
    api.call(Confirmed=True)
    clock.pass_(minutes=2)
    assert api.call("withdraw")[1]["Verdict"] == "WITHDRAWN"


# What is over.


def test_a_decision_stands(api: Api) -> None:
    respond(api.table, api.record, a_response(Action.REJECT, BY_EMAIL))
    code, said = api.call()
    assert (code, said["Verdict"], said["Status"]) == (409, "OVERRULED", "REJECTED")
    assert BO in said["Message"]
    assert api.call("reject")[0] == 200, "with the same response there is nothing wrong"
    assert api.call("withdraw")[0] == 409


def test_after_the_deadline_it_expires(api: Api, clock: Clock) -> None:
    clock.now = api.record.deadline
    assert api.call()[0] == 410
    assert api.record.status is Status.EXPIRED
    assert api.call("withdraw")[0] == 410


@pytest.mark.parametrize("event", [Expiry(NOW + timedelta(days=1)), Cancellation(NOW, "The execution was aborted.")])
def test_what_expired_or_was_cancelled_is_gone(api: Api, event: Expiry | Cancellation) -> None:
    respond(api.table, api.record, event)
    assert api.call()[0] == 410


def test_a_withdrawal_of_nothing_changes_nothing(api: Api) -> None:
    code, said = api.call("withdraw")
    assert (code, said["Message"]) == (409, "You have no response to withdraw, or have withdrawn too often.")


def test_it_is_too_early_before_it_is_known_who_is_who(api: Api) -> None:
    waiting = an_approval(
        id="c" * 32, request=Request(title="x", timeout=timedelta(hours=1), digest="d", approvers=(ALICE,)), people=None
    )
    api.table.add(waiting)
    assert api.send(a_signed_call(a_body(waiting)))[0] == 409
    assert api.table.get(waiting.id).refusals == ()


# Bodies.


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Action": "extend"}, "Action: expected approve, reject, withdraw, override-approve or override-reject."),
        ({"Action": None}, "Action: expected"),
        ({"Action": ["approve"]}, "Action: expected"),
        ({"ApprovalId": "../x"}, "ApprovalId: expected the ID of an approval."),
        ({"ApprovalId": 1}, "ApprovalId: expected a text."),
        ({"Digest": None}, "Digest: expected a text."),
        ({"Digest": ""}, "Digest: expected a text."),
        ({"Comment": 1}, "Comment: expected a text."),
        ({"Form": "x"}, "Form: expected an object."),
        ({"Form": ["x"]}, "Form: expected an object."),
        ({"Form": {"a": {}}}, "Form.a: expected a text"),
        ({"Form": {"a": None}}, "Form.a: expected a text"),
        ({"Form": {str(number): 1 for number in range(21)}}, "Form: expected at most 20 fields."),
        ({"Form": {"\ud800": 1}}, "The body: expected JSON in UTF-8"),
        ({"Comment": "\ud800"}, "The body: expected JSON in UTF-8"),
        ({"Seen": {"Withdrawn": -1}}, "Seen.Withdrawn: expected"),
        ({"Seen": {"Withdrawn": True}}, "Seen.Withdrawn: expected"),
        ({"Seen": {"Withdrawn": "0"}}, "Seen.Withdrawn: expected"),
        ({"Seen": {"Form": "zz"}}, "Seen.Form: expected"),
        ({"Seen": {"Forms": ""}}, 'Seen: unknown key "Forms". Known keys are Form, Withdrawn.'),
        ({"Confirmed": "yes"}, "Confirmed: expected"),
        ({"Approval": "x"}, 'The body: unknown key "Approval".'),
    ],
)
def test_a_wrong_body_is_400_with_the_key(api: Api, changes: dict[str, Any], said: str) -> None:
    code, answer = api.call(**changes)
    assert (code, answer["Message"].startswith(said)) == (400, True), answer["Message"]
    assert api.record.responses == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"Action": NaN}',
        '{"Action": "approve", "Action": "reject"}',
        "[" * 100_000,
        "\udc80",
        '{"\\ud800": 1}',
        "x" * (bodies.MAX_BODY + 1),
    ],
    ids=lambda text: repr(text[:40]),
)
def test_what_is_no_object_is_400(api: Api, text: str) -> None:
    assert api.send(a_signed_call(text))[0] == 400


def test_a_body_in_base64_is_read(api: Api) -> None:
    event = a_signed_call(a_body(api.record))
    encoded = {**event, "body": b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    assert api.send(encoded)[0] == 200
    assert api.send({**encoded, "body": "%"})[0] == 400


# What goes wrong.


def test_a_conflict_is_judged_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.put(a_person(ALICE), a_person(BO), required_approvals=2)
    save = ApprovalTable.save
    raced: list[bool] = []

    def racing(table: ApprovalTable, approval: Approval, reply: Any = None) -> None:
        if not raced:
            raced.append(True)
            save(table, replace(approval, responses=(replace(a_response(approver=BY_EMAIL), person=BO),)))
            raise ConflictError(table.get(approval.id))
        save(table, approval, reply)

    monkeypatch.setattr(ApprovalTable, "save", racing)
    assert api.call()[1]["Verdict"] == "DECIDED"
    assert sorted(response.person for response in api.record.responses) == [ALICE, BO]


def test_a_record_without_room_is_said_so(api: Api, dynamodb: DynamoDBClient) -> None:
    leave_no_room(dynamodb)
    assert api.call(Comment="x" * 900)[0] == 413


def test_an_unexpected_error_says_nothing_and_is_logged(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(ApprovalTable, "get", fail)
    code, said = api.send(a_signed_call(a_body(an_approval(), Digest="d")))
    assert (code, said) == (500, {"Message": "Something went wrong. Request ID: req-1"})
    assert [line["message"] for line in api.lines] == [UNEXPECTED]
    assert "a secret" not in api.log.getvalue()


def test_the_function_starts_with_its_settings(api: Api, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("approvals.adapters.clients.session", boto3.Session)
    monkeypatch.setattr("handlers.wiring.now", lambda: NOW + timedelta(minutes=1))
    handler = start("handlers.answer", {"TABLE_NAME": TABLE, "ACCOUNT_ID": ACCOUNT, "POLICY_PARAMETER": ""})
    assert handler(a_signed_call(a_body(api.record)), context)["statusCode"] == 200


# Overrides.


IVY = a_caller("ivy@example.com", BREAK_GLASS)


def override(
    api: Api, action: str = "approve", caller: dict[str, Any] = IVY, **more: Any
) -> tuple[int, dict[str, Any]]:
    return api.send(a_signed_call(a_body(api.record, f"override-{action}", **{"Comment": REASON, **more}), caller))


@pytest.mark.parametrize(("action", "status"), [("approve", Status.APPROVED), ("reject", Status.REJECTED)])
def test_an_override_decides_at_once_by_todays_policy(api: Api, action: str, status: Status) -> None:
    api.put(required_approvals=2, policy=PINNED)
    code, said = override(api, action)
    assert (code, said["Verdict"], said["Status"]) == (200, "DECIDED", status)
    assert f"Override: {status.lower()} by ivy@example.com by IAM" in said["Message"]
    decision = api.record.decision
    assert decision
    assert (decision.override, decision.comment, decision.status) == (TODAY, REASON, status)
    assert decision.approver
    assert decision.approver.role == BREAK_GLASS_ROLE
    assert (override(api, action)[0], override(api, "reject" if action == "approve" else "approve")[0]) == (200, 409)


def test_only_an_override_reads_the_policy(api: Api) -> None:
    api.put(policy=PINNED)
    api.call("reject", name="eve@example.com")
    assert api.today.read == 0
    override(api)
    assert api.today.read == 1


@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        (a_caller("ivy@example.com"), "NOT_PROVEN"),  # of Identity Center, and no PersonRole of today's policy
        (a_caller("ivy", BREAK_GLASS), "NOT_PROVEN"),
        (a_caller("ivy@example.com", BREAK_GLASS, "210987654321"), "NOT_PROVEN"),
        (a_caller("ivy@example.com", f"{BREAK_GLASS[:-1]}1"), "NOT_PROVEN"),
        (a_caller(RO, BREAK_GLASS), "OWN_REQUEST"),
    ],
)
def test_others_cannot_override_and_the_attempt_is_on_record(api: Api, caller: dict[str, Any], reason: str) -> None:
    api.put(policy=PINNED)
    code, said = override(api, caller=caller)
    assert (code, said["Verdict"]) == (403, "NOT_ALLOWED")
    assert [(each.reason, each.is_override) for each in api.record.refusals] == [(reason, True)]
    assert api.record.status is Status.PENDING


@pytest.mark.parametrize(
    "policy", [replace(OVERRIDABLE, override_roles=()), None, replace(OVERRIDABLE, override_roles=(SSO_ROLE,))]
)
def test_a_person_whom_the_policy_does_not_name_cannot_override(api: Api, policy: Policy | None) -> None:
    api.put(policy=replace(PINNED, person_roles=OVERRIDABLE.person_roles))
    api.today.policy = policy
    code, said = override(api)
    assert (code, said["Message"]) == (403, "The approval policy does not let your role override this request.")
    assert [each.reason for each in api.record.refusals] == ["NOT_AN_OVERRIDER"]


def test_the_policy_may_name_the_role_with_its_path(api: Api) -> None:
    api.put(policy=PINNED)
    with_path = BREAK_GLASS_ROLE.replace("role/", "role/aws-reserved/sso.amazonaws.com/eu-west-1/")
    api.today.policy = replace(OVERRIDABLE, person_roles=(PersonRole(role=with_path),), override_roles=(with_path,))
    assert override(api)[0] == 200


def test_while_the_policy_cannot_be_read_nobody_overrides(api: Api) -> None:
    api.put(policy=PINNED)
    api.today.broken = True
    before = api.record
    code, said = override(api)
    assert (code, said["Message"]) == (
        503,
        "The approval policy can't be read, so nobody can override. Nothing was recorded.",
    )
    assert api.record == before
    assert api.today.counted == 1
    line = next(line for line in api.lines if line["level"] == "ERROR")
    assert "ParameterNotFound" in line["reason"]


@pytest.mark.parametrize("reason", [None, "", " \n"])
def test_an_override_without_a_reason_is_refused(api: Api, reason: str | None) -> None:
    api.put(policy=PINNED)
    code, said = override(api, Comment=reason)
    assert (code, said["Verdict"], said["Problems"]) == (400, "INCOMPLETE", {"comment": "Enter a reason."})
    assert api.record.status is Status.PENDING


def test_an_override_confirms_high_severity_and_fills_in_the_form(api: Api) -> None:
    api.put(policy=PINNED, severity=Severity.HIGH, form=(VERSION, SIZE))
    assert set(override(api)[1]["Problems"]) == {"Confirmed", "version"}
    assert override(api, Form={"version": "1", "other": 2}, Confirmed=True)[1]["Problems"].keys() == {"other"}
    assert override(api, Form={"version": "1"}, Confirmed=True)[0] == 200
    assert api.record.decision
    assert api.record.decision.form == {"version": "1"}


def test_an_override_body_for_another_request_is_refused(api: Api) -> None:
    api.put(policy=PINNED)
    assert override(api, Digest="e" * 64)[0] == 409
    assert api.today.read == 0


def test_an_override_after_the_deadline_expires_the_request(api: Api, clock: Clock) -> None:
    api.put(policy=PINNED)
    clock.pass_(minutes=90)
    assert override(api)[0] == 410
    assert api.record.status is Status.EXPIRED
