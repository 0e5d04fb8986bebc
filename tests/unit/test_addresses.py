"""Addresses of links: what is one, and which host it leads to."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.addresses import host_of, is_address, label_with_host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.com", "example.com"),
        ("https://x.io/a?b=c&d=e#f", "x.io"),
        ("http://localhost:8080/a%20b", "localhost:8080"),
        ("HTTPS://EVIL.Example/x", "evil.example"),
        ("https://xn--ggle-0nda.com/", "xn--ggle-0nda.com"),
        ("https://my_bucket.s3.example.com/", "my_bucket.s3.example.com"),
        ("https://192.0.2.7:443/", "192.0.2.7:443"),
        ("https://[2001:db8::1]:8443/x", "[2001:db8::1]:8443"),
        ("https://example.com?q=@evil.example", "example.com"),
        ("https://example.com/@evil.example", "example.com"),
        ("https://example.com/https://other.example/", "example.com"),
        (f"https://{'a' * 63}.example/", f"{'a' * 63}.example"),
    ],
)
def test_the_host_is_where_the_link_leads(url: str, host: str) -> None:
    assert host_of(url) == host
    assert label_with_host("https://github.com/acme/pull/7", url) == f"https://github.com/acme/pull/7 ({host})"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://good.example@evil.example/", id="user-name"),
        pytest.param("https://good.example:pass@evil.example/", id="password"),
        pytest.param("https://@evil.example/", id="empty-user-name"),
        pytest.param("https://good.example:@evil.example/", id="empty-password"),
        pytest.param("https://good.example\\@evil.example/", id="backslash-and-user-name"),
        pytest.param("https:\\\\evil.example/", id="backslashes-for-slashes"),
        pytest.param("https://good.example\\.evil.example/", id="backslash-in-the-host"),
        pytest.param("https://good.example%2f@evil.example/", id="percent-encoded-slash"),
        pytest.param("https://%65vil.example/", id="percent-encoded-letter"),
        pytest.param("https://good.example%00.evil.example/", id="percent-encoded-control"),
        pytest.param("https://g\u043e\u043egle.com/", id="cyrillic"),
        pytest.param("https://good.example\u2215x.evil.example/", id="division-slash"),
        pytest.param("https://evil\u3002example/", id="ideographic-full-stop"),
        pytest.param("https://\uff45vil.example/", id="full-width-letter"),
        pytest.param("https://good\u200b.example/", id="zero-width-space"),
        pytest.param("https://good\u00ad.example/", id="soft-hyphen"),
        pytest.param("https://\u202egood.example/", id="right-to-left-override"),
        pytest.param("https://b\u00fccher.example/", id="umlaut"),
        pytest.param("https://good.example/b\u00fccher", id="umlaut-in-the-path"),
        pytest.param("https://good.example/\u2800", id="blank-in-the-path"),
        pytest.param("https://good.example./", id="dot-at-the-end"),
        pytest.param("https://.good.example/", id="dot-at-the-beginning"),
        pytest.param("https://good..example/", id="two-dots"),
        pytest.param("https://-good.example/", id="hyphen-at-the-beginning"),
        pytest.param("https://good-.example/", id="hyphen-at-the-end"),
        pytest.param(f"https://{'a' * 64}.example/", id="label-too-long"),
        pytest.param(f"https://{'a.' * 126}ab/", id="host-too-long"),
        pytest.param("https://2130706433/", id="number-as-a-host"),
        pytest.param("https://0x7f000001/", id="hexadecimal-host"),
        pytest.param("https://0x7f.1/", id="short-hexadecimal-host"),
        pytest.param("https://017700000001/", id="octal-host"),
        pytest.param("https://127.1/", id="short-address"),
        pytest.param("https://127.0.0.01/", id="octal-part"),
        pytest.param("https://256.0.0.1/", id="part-too-great"),
        pytest.param("https://1.2.3.4.5/", id="five-parts"),
        pytest.param("https://good.example.0x/", id="number-at-the-end"),
        pytest.param("https://[::1/", id="open-bracket"),
        pytest.param("https://[good.example]/", id="name-in-brackets"),
        pytest.param("https://[1:2]/", id="short-v6"),
        pytest.param("https://[fe80::1%25eth0]/", id="zone"),
        pytest.param("https://good.example:99999/", id="port-too-great"),
        pytest.param("https://good.example:/", id="no-port"),
        pytest.param("https://good.example:443:80/", id="two-ports"),
        pytest.param("https://good.example:evil/", id="port-of-letters"),
        pytest.param("https://good.example:\u0664\u0664\u0663/", id="port-of-other-digits"),
        pytest.param("https://good.example\n.evil.example/", id="line-break"),
        pytest.param("https://good.example/\n", id="line-break-at-the-end"),
        pytest.param("https://good.example\t/", id="tab"),
        pytest.param("https://good.example/\x7f", id="control-character"),
        pytest.param("https://good.example/ x", id="blank"),
        *(pytest.param(f"https://x.io/{each}", id=f"ends-a-link-{each}") for each in "<>|\"'\\"),
        pytest.param("https://", id="no-host"),
        pytest.param("https:///evil.example/", id="three-slashes"),
        pytest.param("https:/evil.example/", id="one-slash"),
        pytest.param("https:evil.example", id="no-slash"),
        pytest.param("//evil.example/", id="no-scheme"),
        pytest.param("evil.example", id="bare-host"),
        pytest.param("ftp://evil.example/", id="ftp"),
        pytest.param("javascript:alert(1)//https://good.example", id="javascript"),
        pytest.param("\u017fhttps://x.io", id="long-s"),
        pytest.param("http\u017f://x.io", id="long-s-as-the-s"),
        pytest.param("https://x.\u212aio/", id="kelvin-sign"),
        pytest.param(" https://x.io", id="blank-before"),
    ],
)
def test_urls_that_lead_elsewhere_than_they_seem_are_no_links(url: str) -> None:
    assert not is_address(url)
    assert label_with_host("label", url) == "label"


@given(st.from_regex(r"https?://[\x21-\x7e]{1,30}", fullmatch=True) | st.text().map("https://{}".format))
def test_python_and_this_module_agree_on_the_host_of_an_address(url: str) -> None:
    host = host_of(url)
    if host is not None:
        parts = urlsplit(url)
        assert parts.netloc.lower() == host
        assert parts.username is None
