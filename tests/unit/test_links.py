"""Ids, keys and capability links."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.model import Action
from approvals.domain.signed_links import MAX_QUERY, approval_id, link, new_link_key, sign, signed_recipient, verify
from tests.support.builders import TOKEN, WORKFLOW, an_approval

BASE = "https://a1b2c3.execute-api.eu-west-1.amazonaws.com/states"
SHAPE = re.compile(r"[a-z2-7]{32}")
"""160 bits in characters that no mail client breaks, encodes or trims."""

recipients = st.emails() | st.text(min_size=1)
names = st.text(min_size=1, max_size=80)


@given(st.text(min_size=1, max_size=2048))
def test_an_id_is_32_letters_and_digits_whatever_the_token(token: str) -> None:
    assert SHAPE.fullmatch(approval_id(token))


@given(st.text(), st.text())
def test_an_id_depends_on_the_token_alone(token: str, other: str) -> None:
    assert (approval_id(token) == approval_id(other)) == (token == other)


def test_ids_and_signatures_stay_what_they_were() -> None:
    """Links in mails that were sent before an upgrade must work after it."""
    approval = an_approval(id=approval_id("token"), link_key=b"k" * 32)
    assert approval.id == "hrdj5hlmlb25g6sd6nj5j6eomh6pqewg"
    assert sign(approval, "alice@example.com") == "63brr5ob5hc5bcqlxuf4vzr2rjx3seuw"


def test_link_keys_are_32_bytes_and_never_the_same() -> None:
    keys = {new_link_key() for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {32}


@given(st.binary(min_size=32, max_size=32), recipients)
def test_a_signature_is_32_letters_and_digits_and_verifies(key: bytes, recipient: str) -> None:
    approval = an_approval(link_key=key)
    assert SHAPE.fullmatch(sign(approval, recipient))
    assert verify(approval, recipient, sign(approval, recipient))


@given(recipients, recipients)
def test_a_signature_is_good_for_its_recipient_alone(recipient: str, other: str) -> None:
    approval = an_approval()
    assert verify(approval, other, sign(approval, recipient)) == (recipient == other)


@given(recipients, recipients)
def test_a_recipient_is_known_by_its_signature_alone(recipient: str, other: str) -> None:
    approval = an_approval()
    found = signed_recipient(approval, other, sign(approval, recipient))
    assert found == (recipient if recipient in {other, other.replace(" ", "+")} else None)


def test_a_plus_that_was_decoded_to_a_blank_still_names_its_recipient() -> None:
    approval = an_approval()
    signature = sign(approval, "alice+x+y@example.com")
    assert signed_recipient(approval, "alice x+y@example.com", signature) == "alice+x+y@example.com"


def test_a_signature_is_good_for_its_approval_alone() -> None:
    other = an_approval(id=approval_id("another token"))
    assert not verify(other, "alice@example.com", sign(an_approval(), "alice@example.com"))


def test_a_signature_dies_with_the_record_that_held_its_key() -> None:
    again = an_approval(link_key=b"x" * 32)
    assert not verify(again, "alice@example.com", sign(an_approval(), "alice@example.com"))


@given(st.text())
def test_a_guessed_signature_is_refused_whatever_characters_it_has(guess: str) -> None:
    assert not verify(an_approval(), "alice@example.com", guess)


@pytest.mark.parametrize("cut", [0, 1, 31])
def test_a_part_of_a_signature_is_refused(cut: int) -> None:
    approval = an_approval()
    assert not verify(approval, "alice@example.com", sign(approval, "alice@example.com")[:cut])


@given(names, names, recipients, st.sampled_from(Action))
def test_a_link_has_exactly_the_contracts_fields_whatever_the_names(
    execution: str, machine: str, recipient: str, action: Action
) -> None:
    workflow = replace(WORKFLOW, execution_name=execution, state_machine_name=machine)
    approval = an_approval(workflow=workflow)
    url = urlsplit(link(approval, action, recipient, base_url=BASE))
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{BASE}/execution"
    whole = {
        "action": action.value,
        "ex": execution,
        "sm": machine,
        "id": approval.id,
        "to": recipient,
        "sig": sign(approval, recipient),
    }
    fields = dict(parse_qsl(url.query, strict_parsing=True))
    assert list(fields) == list(whole)
    if len(urlencode(whole)) <= MAX_QUERY:
        assert fields == whole
    else:
        # Names that no program needs are cut, so that no mail program folds the link.
        assert len(url.query) <= MAX_QUERY or len(recipient) > 20
        assert all(whole[name].startswith(fields[name]) for name in ("ex", "sm"))
        assert fields | {"ex": execution, "sm": machine} == whole


@given(names, names, recipients)
def test_a_link_is_plain_ascii_without_spaces(execution: str, machine: str, recipient: str) -> None:
    """Anything else would end the link where a mail program finds it in plain text."""
    workflow = replace(WORKFLOW, execution_name=execution, state_machine_name=machine)
    url = link(an_approval(workflow=workflow), Action.APPROVE, recipient, base_url=BASE)
    assert re.fullmatch(r"[A-Za-z0-9:/?&=%._+~@-]+", url)


def test_a_link_holds_neither_the_token_nor_the_key() -> None:
    approval = an_approval()
    url = link(approval, Action.APPROVE, "alice@example.com", base_url=BASE)
    assert TOKEN[:20] not in url
    assert approval.link_key.decode() not in url


def test_a_link_stays_short_beside_a_token_of_2048_characters() -> None:
    assert len(link(an_approval(), Action.APPROVE, "alice@example.com", base_url=BASE)) < 250


def test_an_approvals_repr_keeps_its_secrets_to_itself() -> None:
    approval = an_approval()
    assert TOKEN[:20] not in repr(approval)
    assert approval.link_key.decode() not in repr(approval)


def test_without_its_key_nothing_is_signed_and_nothing_is_verified() -> None:
    """Lists of approvals are read without it."""
    keyless = an_approval(link_key=b"")
    with pytest.raises(ValueError, match="without its link key"):
        sign(keyless, "alice@example.com")
    with pytest.raises(ValueError, match="without its link key"):
        verify(keyless, "alice@example.com", "a" * 32)
