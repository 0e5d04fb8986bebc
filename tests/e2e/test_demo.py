"""`make demo`, as a person runs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from local import story
from local.process import ROOT
from tests.e2e.conftest import free_port


def start(*arguments: str, ports: tuple[int, int], output: IO[str]) -> subprocess.Popen[str]:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_PORT": str(ports[0]),
        "DEMO_PORT": str(ports[1]),
        # As on a developer's machine: nothing of this may be used.
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "local", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environ, stdout=output, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def processes_of(port: int) -> list[str]:
    """The command lines of all processes that were started for an emulator on this port."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, environ = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
        except OSError:
            continue
        if f"GATEWAY_PORT={port}".encode() in environ or f"AWS_PORT={port}".encode() in environ:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def test_the_whole_story_holds_and_ending_the_demo_leaves_no_process_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The story is what `--auto` plays; tests/unit/test_demo.py says that it does."""
    ports = (free_port(), free_port())
    with (tmp_path / "out").open("w+") as output:
        demo = start(ports=ports, output=output)
        deadline = time.monotonic() + 200
        while f"Open http://127.0.0.1:{ports[1]}" not in (tmp_path / "out").read_text():
            assert demo.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        story.play(f"http://127.0.0.1:{ports[1]}")
        assert len(processes_of(ports[0])) >= 2
        demo.send_signal(signal.SIGINT)
        code = demo.wait(timeout=60)
    assert code == 0
    assert processes_of(ports[0]) == []
    said = capsys.readouterr().out
    assert "Every step held" in said
    assert said.count("  ok  ") >= 20


def test_ending_the_demo_while_it_starts_leaves_no_process_behind(tmp_path: Path) -> None:
    ports = (free_port(), free_port())
    with (tmp_path / "out").open("w+") as output:
        demo = start(ports=ports, output=output)
        deadline = time.monotonic() + 200
        while "sam deploy" not in (tmp_path / "out").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
        demo.send_signal(signal.SIGTERM)
        demo.wait(timeout=60)
    assert processes_of(ports[0]) == []


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    for taken, setting in ((0, "AWS_PORT"), (1, "DEMO_PORT")):
        with socket.socket() as listener, (tmp_path / "out").open("w+") as output:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = listener.getsockname()[1]
            ports = (port, free_port()) if taken == 0 else (free_port(), port)
            assert start(ports=ports, output=output).wait(timeout=60) == 2
            output.seek(0)
            said = f"make demo: port {port} is taken: stop what uses it, or set {setting} to another port\n"
            assert output.read() == said
