"""The operator's policy: what a document may say, and when a rule applies."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import jsonschema
import pytest

from approvals.domain.groups import MAX_GROUPS, MAX_REQUIRED
from approvals.domain.model import Action, OnTimeout, Presence
from approvals.domain.policy import Condition, Enforce, PolicyRule, Statement, applies
from approvals.requests.codec import canonical
from approvals.requests.policy import InvalidPolicyError, parse_policy, warnings
from approvals.requests.schema import load, published
from tests.support.policies import COMPANY, a_document, a_policy

_PROD = {"Name": "prod", "Unless": {"Facts": {"Environment": ["dev"]}}}
_PUBLISHED = jsonschema.Draft202012Validator(published("policy.schema.json"))


def test_the_example_of_the_docs_is_a_policy() -> None:
    policy = parse_policy(json.dumps(COMPANY), parameter="/approvals/policy", version=7)
    document, prod, data_loss = policy.rules
    assert (document.name, document.open_requests, document.self_approval) == ("policy", False, False)
    assert document.requester_required
    assert document.comments == {Action.REJECT: Presence.REQUIRED}
    assert document.on_timeout is OnTimeout.EXPIRE
    assert (prod.enforce, prod.minimum_approvals) == (Enforce.RAISE, 2)
    assert data_loss.when == Condition(context={"/Plan/Destroys": (True,)})
    assert (policy.parameter, policy.version) == ("/approvals/policy", 7)
    assert policy.sha256 == sha256(canonical(dict(COMPANY)).encode()).hexdigest()


def test_a_rule_asks_for_as_many_approvals_as_its_groups_have() -> None:
    document = a_document(Rules=[{"Name": "prod", "RequiredGroups": {"security": 1, "ops": 2}}])
    assert parse_policy(json.dumps(document)).rules[1].minimum_approvals == 3


def test_the_digest_does_not_depend_on_the_layout() -> None:
    text = json.dumps(COMPANY, indent=4)
    assert parse_policy(text).sha256 == parse_policy(json.dumps(COMPANY, sort_keys=True)).sha256


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("[]", "Policy: a list is not an object."),
        ("{", "Policy: not JSON, line 1, column 2"),
        (
            '{"Format": 1, "Approvers": ["@example.com"], "Approvers": []}',
            'Policy: the key "Approvers" is a duplicate.',
        ),
        ('{"Format": 1, "Approvers": ["@example.com"], "LongestMinutes": NaN}', "Policy: NaN is not JSON"),
        (a_document(Format=2), "Policy.Format: 2 is not a whole number from 1 to 1."),
        (a_document(Approvers=[]), "Policy.Approvers: the list is empty."),
        ({"Format": 1}, "Policy.Approvers: missing. Add a list."),
        (a_document(Severity=None), "Policy.Severity: null is not a value of the policy. Leave the key out."),
        (a_document(Aprovers=[]), "Policy.Aprovers: unknown key. Did you mean Approvers?"),
        (a_document(Approvers=["Bob"]), 'Policy.Approvers[0]: "Bob" is not an email address'),
        (a_document(Approvers=["@"]), 'Policy.Approvers[0]: "@" is not an email address'),
        (a_document(Groups={"security": {"Approvers": []}}), "Policy.Groups.security.Approvers: the list is empty."),
        (
            a_document(Groups={"Security": {"Approvers": ["@b.co"]}}),
            'Policy.Groups, the key Security: "Security" is not up to 40',
        ),
        (
            a_document(RequiredGroups={"ops": 1, "hr": 1}),
            'RequiredGroups: there is no group "hr". Add it under Groups.',
        ),
        (a_document(Rules=[{"Name": "a"}, {"Name": "a"}]), 'Rules[1].Name: another rule is named "a"'),
        (a_document(Rules=[{"Name": "policy"}]), "is the name of the document's own keys"),
        (
            a_document(Rules=[{"Name": "a", "SelfApproval": True}]),
            "Policy.Rules[0].SelfApproval: true is not false.",
        ),
        (
            a_document(Rules=[{"Name": "a", "When": {"Workflow": ["w"]}, "Unless": {"Workflow": ["w"]}}]),
            "When and Unless can't be combined",
        ),
        (a_document(Rules=[{"Name": "a", "When": {}}]), "Policy.Rules[0].When: the object is empty."),
        (a_document(Rules=[{"Name": "a", "When": {"Context": {"Plan": [True]}}}]), "a JSON Pointer such as"),
        (
            a_document(Channel="C0AAAAAAA", Rules=[{"Name": "a", "Channel": "C0BBBBBBB"}]),
            'Policy.Channel: rules "policy" and "a" always apply and differ.',
        ),
        (
            a_document(
                Override={"Roles": ["arn:aws:iam::123456789012:role/AWSReservedSSO_BreakGlass_fedcba9876543210"]}
            ),
            "is not among PersonRoles. An override needs a person.",
        ),
        ('{"Format": 1, "Approvers": ["@example.com"], "MinimumApprovals": %s}' % ("9" * 5000), "too many digits"),
        (a_document(Rules=[{"Name": "a", "When": {"Facts": {"\ud800": ["x"]}}}]), "contains half of a surrogate pair"),
        (a_document(Approvers=[f"a{number}@{'e' * 200}.com" for number in range(45)]), "The maximum is 8,192."),
    ],
)
def test_what_is_no_policy_is_refused_with_its_place(document: str | dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        parse_policy(document if isinstance(document, str) else json.dumps(document))
    assert problem in str(caught.value)


PAIR = ["ann@example.com", "bo@example.com"]
_MANY = {f"g{number}": {"Approvers": ["@example.com"]} for number in range(11)}
_SECURITY = {"security": {"Approvers": ["sue@example.com", "x@other.org"]}}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (
            a_document(
                RequiredGroups={"security": 30, "ops": 30},
                Groups={each: {"Approvers": ["S0ONCALL01"]} for each in ("security", "ops")},
            ),
            "Policy: 60 approvals are required in all, the sum of RequiredGroups, but a request can ask for at most",
        ),
        (
            a_document(Groups=_MANY, Rules=[{"Name": "all", "RequiredGroups": dict.fromkeys(_MANY, 1)}]),
            "Policy: 11 groups are required, but a request can have at most 10. Require fewer.",
        ),
        (
            a_document(RequiredGroups={"security": 3}),
            'Policy: 3 approvals from "security" are required, but only 2 people of "security" can approve.',
        ),
        (
            a_document(Groups=_SECURITY, Rules=[{**_PROD, "RequiredGroups": {"security": 2}}]),
            'Policy.Rules[0]: 2 approvals from "security" are required, but only 1 person of "security" can approve.',
        ),
        (
            a_document(Approvers=PAIR, Groups={}, Rules=[{**_PROD, "MinimumApprovals": 3}]),
            "Policy.Rules[0]: 3 approvals are required, but Approvers allows only 2 people.",
        ),
        (
            a_document(Approvers=["ann@example.com", "Ann+ops@example.com"], Groups={}, MinimumApprovals=2),
            "Policy: 2 approvals are required, but Approvers allows only 1 person.",
        ),
        (
            a_document(MinimumApprovals=2, Rules=[{**_PROD, "Approvers": ["ann@example.com"]}]),
            "Policy.Rules[0]: 2 approvals are required, but Approvers allows only 1 person.",
        ),
        (
            a_document(Groups={}, Rules=[{"Name": "other", "Approvers": ["x@other.org"]}]),
            "Policy: nobody can approve: no name is in each list of Approvers that applies.",
        ),
        (
            a_document(Channel="C0AAAAAAA", Rules=[{**_PROD, "Channel": "C0BBBBBBB"}]),
            'Policy.Channel: "policy" always applies, and rule "prod" differs. Keep one value.',
        ),
        (a_document(Groups={"requested": {"Approvers": PAIR}}), "Policy.Groups.requested: the name is reserved."),
    ],
)
def test_policy_that_no_request_can_meet_is_refused(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        parse_policy(json.dumps(document))
    assert caught.value.problems[0].startswith(problem)
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "document",
    [
        a_document(
            Groups={each: {"Approvers": ["S0ONCALL01"]} for each in ("security", "ops")},
            RequiredGroups={"security": 30, "ops": 30},
            MinimumApprovals=50,
        ),
        a_document(RequiredGroups={"security": 2, "ops": 2}),
        a_document(Approvers=["S0ONCALL01"], Groups=_SECURITY, RequiredGroups={"security": 2}),
        a_document(Approvers=["ann@example.com", "U0CY000003"], Groups={}, MinimumApprovals=2),
        a_document(Groups={}, Rules=[{**_PROD, "Approvers": ["U0CY000003"]}]),
        a_document(
            Rules=[
                {**_PROD, "Channel": "C0AAAAAAA"},
                {"Name": "pci", "When": {"Workflow": ["pci"]}, "Channel": "C0BBBBBBB"},
            ]
        ),
    ],
    ids=[
        "a person in both",
        "everybody",
        "a group may have both",
        "an address and a user id",
        "id of a domain",
        "either",
    ],
)
def test_policy_that_some_request_may_meet_is_taken(document: dict[str, Any]) -> None:
    parse_policy(json.dumps(document))


def test_limits_are_those_of_the_schemas() -> None:
    groups = load("request.schema.json")["properties"]["Groups"]
    assert groups["maxItems"] == MAX_GROUPS
    assert groups["items"]["properties"]["Required"]["maximum"] == MAX_REQUIRED
    assert load("request.schema.json")["properties"]["RequiredApprovals"]["maximum"] == MAX_REQUIRED
    assert load("policy.schema.json")["properties"]["MinimumApprovals"]["maximum"] == MAX_REQUIRED


@pytest.mark.parametrize("document", [COMPANY, a_document(), a_document(OpenRequests=True, Enforce="raise")])
def test_validators_take_what_is_a_policy(document: dict[str, Any]) -> None:
    parse_policy(json.dumps(document))
    _PUBLISHED.validate(document)


@pytest.mark.parametrize(
    "document",
    [
        a_document(Format=2),
        a_document(Approvers=[]),
        a_document(Approvers="@example.com"),
        a_document(Aprovers=["@example.com"]),
        a_document(Groups={"Security": {"Approvers": ["@b.co"]}}),
        a_document(Groups={"security": {}}),
        a_document(Rules=[{"Name": "a", "SelfApproval": True}]),
        a_document(Rules=[{"Name": "a", "When": {}}]),
        a_document(Rules=[{"Name": "a", "Unless": {"Context": {"Plan": [True]}}}]),
        a_document(Rules=[{"Name": "a", "Unless": {"Facts": {"Environment": []}}}]),
        a_document(LongestMinutes=0),
        a_document(RequiredGroups={"ops": 0}),
        a_document(PersonRoles=[{"Role": "Deployer"}]),
    ],
)
def test_validators_refuse_what_is_no_policy(document: dict[str, Any]) -> None:
    assert not _PUBLISHED.is_valid(document)
    with pytest.raises(InvalidPolicyError):
        parse_policy(json.dumps(document))


_HARMLESS = PolicyRule(name="prod", unless=Condition(facts={"Environment": ("dev", "test")}))
_DANGEROUS = PolicyRule(name="prod", when=Condition(context={"/Plan/Destroys": (True,)}))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ([], True),
        ([("Region", "dev")], True),
        ([("Environment", "dev")], False),
        ([(" environment ", " DEV ")], False),
        ([("Environment", "\uff44\uff45\uff56")], False),  # full-width letters: approvers read "dev"
        ([("Environment", "prod")], True),
        ([("Environment", "dev"), ("Environment", "test")], False),
        ([("Environment", "dev"), ("Environment", "prod")], True),
        ([("Environment", "prod"), ("ENVIRONMENT", "dev")], True),
    ],
)
def test_only_stated_harmless_values_leave_a_rule_out(facts: list[tuple[str, str]], *, expected: bool) -> None:
    assert applies(_HARMLESS, Statement(facts=facts, context={}, workflow="deploy")) is expected


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({}, True),
        ({"Plan": {}}, True),
        ({"Plan": None}, True),
        ({"Plan": {"Destroys": {"all": False}}}, True),  # an object states nothing
        ({"Plan": {"Destroys": []}}, True),
        ({"Plan": {"Destroys": False}}, False),
        ({"Plan": {"Destroys": "false"}}, False),
        ({"Plan": {"Destroys": " TRUE "}}, True),
        ({"Plan": {"Destroys": [False, True]}}, True),
        ({"Plan": {"Destroys": [False, "no"]}}, False),
        # What people can't read could be any value.
        ({"Plan": {"Destroys": [[True]]}}, True),
        ({"Plan": {"Destroys": [False, {"all": True}]}}, True),
        ({"Plan": {"Destroys": [None]}}, True),
        ({"Plan": {"Destroys": "tr\u00adue"}}, True),
    ],
)
def test_dangerous_and_missing_values_apply_a_rule(context: dict[str, Any], *, expected: bool) -> None:
    assert applies(_DANGEROUS, Statement(facts=[], context=context, workflow="deploy")) is expected


def test_an_object_in_a_list_of_harmless_values_applies_the_rule() -> None:
    rule = PolicyRule(name="prod", unless=Condition(context={"/Stages": ("dev",)}))
    assert applies(rule, Statement(facts=[], context={"Stages": ["dev", {"name": "prod"}]}, workflow=""))
    assert not applies(rule, Statement(facts=[], context={"Stages": ["dev"]}, workflow=""))


def test_each_key_of_unless_must_be_harmless() -> None:
    rule = PolicyRule(name="prod", unless=Condition(facts={"Environment": ("dev",)}, workflow=("nightly",)))
    dev = [("Environment", "dev")]
    assert applies(rule, Statement(facts=dev, context={}, workflow="deploy"))
    assert not applies(rule, Statement(facts=dev, context={}, workflow="Nightly"))


def test_each_key_of_when_applies_alone() -> None:
    rule = PolicyRule(name="prod", when=Condition(facts={"Environment": ("prod",)}, workflow=("deploy",)))
    assert applies(rule, Statement(facts=[("Environment", "dev")], context={}, workflow="deploy"))
    assert not applies(rule, Statement(facts=[("Environment", "dev")], context={}, workflow="nightly"))


def test_pointers_reach_into_lists_and_escaped_keys() -> None:
    rule = PolicyRule(name="prod", unless=Condition(context={"/a~1b/1/~0c": (1,)}))
    assert not applies(rule, Statement(facts=[], context={"a/b": [0, {"~c": 1.0}]}, workflow=""))
    assert applies(rule, Statement(facts=[], context={"a/b": [0]}, workflow=""))


def test_rules_by_dangerous_values_are_warned_of() -> None:
    policy = a_policy(Rules=[{"Name": "prod", "When": {"Facts": {"Environment": ["prod"]}}}])
    assert [each for each in warnings(policy) if 'Rule "prod"' in each and "Prefer Unless" in each]


def test_policy_without_a_trap_has_no_warning() -> None:
    assert not warnings(a_policy(OpenOnChange="ask-again"))
