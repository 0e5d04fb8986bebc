"""Which email addresses mean the same person, and which are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.email_address import canonical, is_same
from approvals.domain.model import Json
from approvals.requests.parse import InvalidRequestError, parse_request
from mail.addresses import is_email
from tests.support.builders import HOUR


@pytest.mark.parametrize(
    "written",
    [
        "alice@example.com",
        "ALICE@Example.COM",
        "alice+x@example.com",
        "Alice+x+y@example.com",
        "alice+@example.com",
        "alice@example.com.",
        " alice@example.com ",
    ],
)
def test_one_mailbox_is_one_person_however_it_is_written(written: str) -> None:
    assert canonical(written) == "alice@example.com"
    assert is_same(written, "alice@example.com")


@pytest.mark.parametrize(
    "other",
    [
        "",
        "alice",
        "alice@example.org",
        "alice@sub.example.com",
        "+alice@example.com",
        "a.lice@example.com",
        "U0ALICE001",
    ],
)
def test_others_are_others_and_aliases_of_one_provider_are_not_followed(other: str) -> None:
    assert not is_same(other, "alice@example.com")
    assert not is_same("", other)


def test_a_tag_without_a_name_and_a_slack_id_are_themselves() -> None:
    assert canonical("+tag@example.com") == "+tag@example.com"
    assert is_same("U0ALICE001", "U0ALICE001")


@given(st.text(max_size=40) | st.emails())
def test_the_canonical_form_is_canonical(name: str) -> None:
    assert canonical(canonical(name)) == canonical(name)


@pytest.mark.parametrize(
    "address",
    [
        "a@example.com",
        "A_b.c+d-e@sub.example.co.uk",
        "o'neil@example.com",
        "a@xn--mnchen-3ya.example",
        "a@example.xn--p1ai",
        "a@1password.com",
        "a@a-b.io",
        f"a@{'x' * 63}.com",
    ],
)
def test_an_address_is_taken(address: str) -> None:
    assert is_email(address)


MALFORMED = [
    "alice@example.com.",
    "alice@example..com",
    "alice@.example.com",
    "alice@-example.com",
    "alice@example-.com",
    "alice@example.com-",
    "alice@example",
    "alice@example.c",
    "alice@127.0.0.1",
    "alice@[127.0.0.1]",
    "alice@[IPv6:::1]",
    "alice@m\u00fcnchen.example",
    "alice@example\u3002com",
    "al\u0456ce@example.com",
    '"alice"@example.com',
    "alice@example.com@example.com",
    "alice@exa mple.com",
    "alice\u200b@example.com",
    "<alice@example.com>",
    "alice@example.com,bob@example.com",
    f"alice@{'x' * 64}.com",
]


@pytest.mark.parametrize("address", MALFORMED)
@pytest.mark.parametrize("key", ["RequestedBy", "Approvers", "EscalateTo", "Notify"])
def test_a_malformed_address_is_refused_with_the_name_of_its_field(key: str, address: str) -> None:
    asked: Json = {key: address if key == "RequestedBy" else [address]}
    with pytest.raises(InvalidRequestError) as refused:
        parse_request({"Approval": asked}, default_timeout=HOUR)
    assert any(problem.startswith(f"Approval.{key}") for problem in refused.value.problems)


@pytest.mark.parametrize("requested_by", ["ann+x@example.com", "Ann@example.com"])
def test_the_only_approver_is_the_requester_however_they_are_written(requested_by: str) -> None:
    asked: Json = {"Approvers": ["ann@example.com"], "RequestedBy": requested_by}
    with pytest.raises(InvalidRequestError, match="the requester is the only approver"):
        parse_request({"Approval": asked}, default_timeout=HOUR)


def test_two_addresses_of_one_person_are_no_quorum() -> None:
    asked: Json = {"Approvers": ["ann@example.com", "ann+x@example.com"], "RequiredApprovals": 2}
    with pytest.raises(InvalidRequestError, match="RequiredApprovals: 2 is too many; only 1 person"):
        parse_request({"Approval": asked}, default_timeout=HOUR)
