"""Settings from the environment."""

from __future__ import annotations

import pytest

from handlers.settings import CallbackSettings, MissingSettingsError, TableSettings


class ChannelSettings(TableSettings):
    slack_channel: str


def test_a_field_is_read_from_its_name_in_capitals() -> None:
    config = ChannelSettings({"TABLE_NAME": "approvals", "SLACK_CHANNEL": "C1"})
    assert (config.table_name, config.slack_channel) == ("approvals", "C1")


def test_empty_is_a_value() -> None:
    assert ChannelSettings({"TABLE_NAME": "approvals", "SLACK_CHANNEL": ""}).slack_channel == ""


def test_other_variables_are_left_alone() -> None:
    environ = {"TABLE_NAME": "approvals", "SLACK_CHANNEL": "", "PATH": "/bin", "table_name": "other"}
    assert vars(ChannelSettings(environ)) == {"table_name": "approvals", "slack_channel": ""}


@pytest.mark.parametrize(
    ("environ", "missing"),
    [
        ({}, "TABLE_NAME, SLACK_CHANNEL"),
        ({"TABLE_NAME": "approvals"}, "SLACK_CHANNEL"),
        ({"SLACK_CHANNEL": "", "table_name": "lower case is another variable"}, "TABLE_NAME"),
    ],
)
def test_all_missing_variables_are_named_at_once(environ: dict[str, str], missing: str) -> None:
    with pytest.raises(MissingSettingsError) as caught:
        ChannelSettings(environ)
    assert str(caught.value) == f"environment variables not set: {missing}"


def test_values_that_are_set_are_not_shown_when_others_are_missing() -> None:
    with pytest.raises(MissingSettingsError) as caught:
        ChannelSettings({"TABLE_NAME": "a-secret"})
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize(("mode", "one_click"), [("confirm", False), ("one-click", True)])
def test_a_link_responds_when_it_is_opened_only_in_one_click_mode(mode: str, *, one_click: bool) -> None:
    config = CallbackSettings({"TABLE_NAME": "approvals", "EMAIL_LINK_MODE": mode})
    assert config.one_click is one_click
