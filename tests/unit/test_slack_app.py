"""The link that creates the Slack app, and what it is told of the stack."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from cli.slack_app import MANIFEST, create_link, manifest, scopes
from cli.slack_connection import Connection

URL = "https://abc.execute-api.eu-west-1.amazonaws.com/states/slack/events"


def test_the_link_opens_slacks_page_with_the_whole_manifest_filled_in() -> None:
    link = urlsplit(create_link(URL))
    assert (link.scheme, link.netloc, link.path) == ("https", "api.slack.com", "/apps")
    fields = parse_qs(link.query, strict_parsing=True)
    assert fields["new_app"] == ["1"]
    [text] = fields["manifest_yaml"]
    assert yaml.safe_load(text)["settings"]["interactivity"]["request_url"] == URL
    assert yaml.safe_load(text.replace(URL, "there")) == yaml.safe_load(
        MANIFEST.read_text().replace("https://REPLACE-WITH-SlackRequestUrl/states/slack/events", "there")
    )


def test_nothing_is_left_to_be_replaced() -> None:
    assert "REPLACE" not in manifest(URL)


def test_the_link_is_short_enough_for_every_browser() -> None:
    """2,083 characters in the oldest, 8,192 in most servers; none of ours to choose, so it is watched."""
    assert len(create_link(URL)) < 4096


def test_the_scopes_are_the_manifests() -> None:
    assert {"chat:write", "users:read"} <= scopes()


GOOD = Connection(channel="C0123456789", bot_token="xoxb-1-2-abc", signing_secret="0123456789abcdef0123456789abcdef")


@pytest.mark.parametrize(
    ("channel", "token", "secret", "problems"),
    [
        (GOOD.channel, GOOD.bot_token, GOOD.signing_secret, 0),
        ("#approvals", GOOD.bot_token, GOOD.signing_secret, 1),
        (GOOD.channel, "xoxp-a-persons", GOOD.signing_secret, 1),
        (GOOD.channel, GOOD.bot_token, "verificationToken24chars", 1),
        ("", "", "", 3),
    ],
)
def test_impossible_settings_are_told_before_anything_is_called(
    channel: str, token: str, secret: str, problems: int
) -> None:
    found = Connection(channel=channel, bot_token=token, signing_secret=secret).problems()
    assert len(found) == problems
    assert not any(part and part in " ".join(found) for part in (token, secret))


def test_secrets_are_not_shown() -> None:
    assert GOOD.bot_token not in repr(GOOD)
    assert GOOD.signing_secret not in repr(GOOD)
