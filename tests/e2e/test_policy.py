"""A deployed stack under the operator's policy: fails closed, raises, refuses, and keeps open requests as they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.person import Json, Person, links
from demo.process import ROOT
from demo.stack import POLICY, LocalStack
from tests.support.approver_roles import a_session, an_approver_role, environ_of
from tests.support.deployments import deployed
from tests.support.leaks import LeakDetector
from tests.support.overrides import BREAK_GLASS
from tests.support.polling import seen

NAME = "governed"
CLOCK_SECONDS = 150
"""The scheduler runs each minute; the machine may be slow."""
EXAMPLE = ROOT / "examples/policy.json"
TITLE = "Deploy web 2.4.1"
ASKED: Json = {"Approval": {"Title": TITLE, "RequestedBy": "dave@example.com"}}


@pytest.fixture(scope="module")
def governed(aws_port: int, leak_detector: LeakDetector) -> Iterator[LocalStack]:
    """A stack with the name of a policy that is not there yet."""
    with deployed(leak_detector, aws_port, NAME, parameters={"PolicyParameter": POLICY}) as stack:
        yield stack


def approvals(port: int, *arguments: str) -> str:
    """Run `approvals` as the policy's owner does; return what it prints."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-m", "cli", "--local", "--stack", NAME, *arguments]
    ended = subprocess.run(
        command, capture_output=True, text=True, env=environ | {"AWS_PORT": str(port)}, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_policy_from_the_first_request_to_its_change(governed: LocalStack, aws_port: int, tmp_path: Path) -> None:
    person = Person(governed.url)

    # Without a readable policy nothing is asked, after three retries.
    failed = person.ended(person.start("no-policy", ASKED))
    assert failed["error"] == "ApprovalPolicyUnavailable"
    assert failed["cause"] == f"The approval policy {POLICY} can't be read (ParameterNotFound). Nothing was asked."
    assert person.state()["inbox"] == []

    assert f"Stored version 1 of {POLICY}" in approvals(aws_port, "policy", "set", str(EXAMPLE))

    # A rule raises an open request to one of security and one of ops, and says so.
    name = person.start("raised", ASKED)
    says = "version 1 requires 2 approvals, 1 approval from security, 1 approval from ops (rule production, raised"
    mails = {who: person.mail(name, to=f"{who}@") for who in ("alice", "bob")}
    assert says in " ".join(mails["alice"]["text"].split())
    assert says in json.dumps(person.message(name)["blocks"])
    assert says in " ".join(re.sub(r"<[^>]+>", " ", person.open(links(mails["bob"])["approve"]).text).split())

    # Another version while it is open: it keeps its rules, and the next one is refused.
    stricter = json.loads(EXAMPLE.read_text())
    stricter["Rules"][0] |= {"Enforce": "refuse", "MinimumApprovals": 3}
    changed = tmp_path / "policy.json"
    changed.write_text(json.dumps(stricter))
    approvals(aws_port, "policy", "set", str(changed), "--if-version", "1")
    refused = person.ended(person.start("refused", ASKED))
    assert refused["error"] == "InvalidApprovalRequest"
    assert 'below the minimum of 3 (policy rule "production")' in refused["cause"]
    versions = json.loads(approvals(aws_port, "policy", "history", "--json"))
    assert [each["Version"] for each in versions] == [2, 1]

    for mail in mails.values():
        person.confirm(person.open(links(mail)["approve"]))
    result = person.ended(name)["output"]["Approval"]["Result"]
    assert result["Decision"] == "APPROVED"
    assert [group["ApprovedBy"] for group in result["Groups"]] == [["alice@example.com"], ["bob@example.com"]]
    assert (result["Policy"]["Version"], result["Policy"]["Sha256"]) == (1, versions[1]["Sha256"])
    assert result["Policy"]["Rules"][1]["Raised"] == [
        "RequiredApprovals: 1 to 2",
        "Groups.security: 0 to 1",
        "Groups.ops: 0 to 1",
    ]
    findings = json.loads(approvals(aws_port, "doctor", "--json"))
    assert [each["text"] for each in findings if each["check"] == "policy"] == [
        f"version 2 of {POLICY} is valid: 2 rules, 2 groups"
    ]


def test_only_a_role_that_the_policy_of_the_moment_names_overrides(
    governed: LocalStack, aws_port: int, tmp_path: Path
) -> None:
    person = Person(governed.url)
    role = an_approver_role(governed.outputs, BREAK_GLASS, may_call=True, stack=NAME)
    _store(json.loads(EXAMPLE.read_text()), tmp_path, aws_port)
    name = person.start("emergency", ASKED)
    asked = person.mail(name, to="alice@")

    def override(who: str) -> subprocess.CompletedProcess[str]:
        waiting = next(each for each in json.loads(approvals(aws_port, "list", "--json")) if each["Title"] == TITLE)
        options = [
            "override",
            waiting["Id"],
            "--stack",
            NAME,
            "--approve",
            "--yes",
            "--json",
            "--reason",
            "No payments.",
        ]
        environ = environ_of(a_session(role, who), aws_port)
        command = [sys.executable, "-m", "cli", *options]
        return subprocess.run(command, capture_output=True, text=True, env=environ, check=False, timeout=60)

    refused = override("ivy@example.com")
    assert (refused.returncode, "does not identify a person" in refused.stderr) == (3, True), refused.stderr
    names = {"PersonRoles": [{"Role": role}], "Override": {"Roles": [role]}}
    _store(json.loads(EXAMPLE.read_text()) | names, tmp_path, aws_port)
    own = override("dave@example.com")
    assert (own.returncode, "your own request" in own.stderr) == (3, True), own.stderr
    done = override("ivy@example.com")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Verdict"] == "DECIDED"

    result = person.ended(name)["output"]["Approval"]["Result"]
    override_said = result["Override"]
    assert (result["Decision"], result["Comment"], override_said["By"]) == (
        "APPROVED",
        "No payments.",
        "ivy@example.com",
    )
    assert override_said["Role"] == role
    assert set(override_said["Skipped"]) == {"alice@example.com", "bob@example.com", "carol@example.com"}
    assert "Override: approved by ivy@example.com by IAM" in person.mail(name, outcome=True, to="alice@")["text"]
    # The refused attempt edited it before.
    seen(
        lambda: "Override: approved" in json.dumps(person.message(name, edited=True)["blocks"]), "the outcome in Slack"
    )
    assert "Override: approved" in person.open(links(asked)["approve"]).text


def test_open_request_is_asked_again_where_the_policy_says_so(
    governed: LocalStack, aws_port: int, tmp_path: Path
) -> None:
    person = Person(governed.url)
    example = json.loads(EXAMPLE.read_text())
    _store(example, tmp_path, aws_port)
    name = person.start("again", ASKED)
    mails = {who: person.mail(name, to=f"{who}@") for who in ("alice", "bob")}
    person.confirm(person.open(links(mails["alice"])["approve"]))

    stricter = {**example, "OpenOnChange": "ask-again", "MinimumApprovals": 3}
    _store(stricter, tmp_path, aws_port)
    lead = "so everyone is asked again. 1 earlier response no longer counts: "

    def told() -> set[str]:
        return {mail["to"] for mail in person.state()["inbox"] if lead in " ".join(mail["text"].split())}

    seen(lambda: len(told()) == 3, "emails to all three", CLOCK_SECONDS)
    seen(lambda: lead in json.dumps(person.message(name, edited=True)["blocks"]), "the edited message")
    page = person.open(links(mails["alice"])["approve"])
    assert "after you approved, so your response no longer counts. Respond again." in page.text

    person.confirm(person.open(links(mails["bob"])["approve"]))
    person.confirm(page)
    assert person.execution(name)["status"] == "RUNNING", "two are not enough any more"
    person.confirm(person.open(links(person.mail(name, to="carol@"))["approve"]))
    result = person.ended(name)["output"]["Approval"]["Result"]
    versions = json.loads(approvals(aws_port, "policy", "history", "--json"))
    assert (result["Decision"], result["Policy"]["Version"]) == ("APPROVED", versions[0]["Version"])
    assert len(result["Responses"]) == 3

    # A version that refuses an open request cancels it, and names the rule.
    name = person.start("refused-later", ASKED)
    person.mail(name, to="alice@")
    _store({**stricter, "Enforce": "refuse"}, tmp_path, aws_port)
    seen(lambda: person.execution(name)["status"] != "RUNNING", "the end of the workflow", CLOCK_SECONDS)
    refused = person.ended(name)
    assert refused["error"] == "InvalidApprovalRequest"
    assert "refuses this request: Approval.RequiredApprovals: 1 is below the minimum of 3 (policy)" in refused["cause"]


def _store(document: Json, place: Path, port: int) -> None:
    """Store a policy in the place of the one that is stored, if any."""
    stored = json.loads(approvals(port, "policy", "history", "--json"))
    file = place / "override.json"
    file.write_text(json.dumps(document))
    approvals(port, "policy", "set", str(file), "--if-version", str(stored[0]["Version"]))
