"""`make demo ARGS=--auto`: plays the story of its own page, then stops all that it started; its exit code says how."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from demo import __main__ as demo
from demo.person import NotSeenError


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What the demo does, with nothing emulated and nothing deployed."""
    seen: list[str] = []
    emulated = SimpleNamespace(close=lambda: seen.append("emulator stopped"))
    stack = SimpleNamespace(url="http://127.0.0.1:1", outputs={}, stop=lambda: seen.append("stack stopped"))
    for name in ("AWS_PORT", "DEMO_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.argv", ["demo", "--auto"])
    monkeypatch.setattr(demo, "WORK", tmp_path / "work")
    monkeypatch.setattr(demo, "_ENDINGS", ())
    monkeypatch.setattr(demo, "check_port", lambda *_: None)
    monkeypatch.setattr("demo.aws.isolate", lambda _port: None)
    monkeypatch.setattr("demo.emulator.running", lambda _port: closing(emulated))
    monkeypatch.setattr("demo.deploy.build", lambda: None)
    monkeypatch.setattr(demo, "LocalStack", lambda **_: stack)
    monkeypatch.setattr("demo.roles.write_profiles", lambda *_: None)
    monkeypatch.setattr("demo.story.play", lambda url: seen.append(f"played at {url}"))
    return seen


def test_unattended_it_plays_the_story_and_stops(happened: list[str]) -> None:
    assert demo.main() == 0
    assert happened == ["played at http://127.0.0.1:1", "stack stopped", "emulator stopped"]


def test_a_story_that_does_not_hold_is_exit_code_1_and_leaves_nothing_running(
    happened: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def play(_url: str) -> None:
        raise NotSeenError("The check failed: the link shows no button.")

    monkeypatch.setattr("demo.story.play", play)
    assert demo.main() == 1
    assert happened == ["stack stopped", "emulator stopped"]
    assert "The check failed: the link shows no button." in capsys.readouterr().err
