"""Settings from the environment."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass

import pytest

from handlers.settings import CallbackSettings, MissingSettingsError, load


@dataclass(frozen=True)
class Settings:
    table_name: str
    slack_channel: str


def test_a_field_is_read_from_its_name_in_capitals() -> None:
    assert load(Settings, {"TABLE_NAME": "approvals", "SLACK_CHANNEL": "C1"}) == Settings("approvals", "C1")


def test_empty_is_a_value() -> None:
    assert load(Settings, {"TABLE_NAME": "approvals", "SLACK_CHANNEL": ""}).slack_channel == ""


def test_other_variables_are_left_alone() -> None:
    environ = {"TABLE_NAME": "approvals", "SLACK_CHANNEL": "", "PATH": "/bin", "table_name": "other"}
    assert load(Settings, environ) == Settings("approvals", "")


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
        load(Settings, environ)
    assert str(caught.value) == f"environment variables not set: {missing}"


def test_values_that_are_set_are_not_shown_when_others_are_missing() -> None:
    with pytest.raises(MissingSettingsError) as caught:
        load(Settings, {"TABLE_NAME": "a-secret"})
    assert "a-secret" not in str(caught.value)


@pytest.mark.parametrize(("mode", "one_click"), [("confirm", False), ("one-click", True)])
def test_a_link_responds_when_it_is_opened_only_in_one_click_mode(mode: str, *, one_click: bool) -> None:
    config = load(CallbackSettings, {"TABLE_NAME": "approvals", "EMAIL_LINK_MODE": mode})
    assert config.one_click is one_click


def test_settings_stay_as_they_were_read() -> None:
    config = load(Settings, {"TABLE_NAME": "approvals", "SLACK_CHANNEL": ""})
    with pytest.raises(FrozenInstanceError):
        config.table_name = "other"  # type: ignore[misc]
