"""`make demo`, as a person runs it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.process import ROOT, WORK
from tests.support.deployments import free_port
from tests.support.polling import seen

LISTEN = "0A"
LOOPBACK = "0100007F"
"""127.0.0.1 and the state LISTEN in /proc/net/tcp on a little-endian machine."""


@contextlib.contextmanager
def started(ports: tuple[int, int], output: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the demo; end it if the test does not."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))},
        "AWS_PORT": str(ports[0]),
        "DEMO_PORT": str(ports[1]),
        # As on a developer's machine: nothing of this may be used.
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "demo"]
    with output.open("w") as said:
        demo = subprocess.Popen(
            command, cwd=ROOT, env=environ, stdout=said, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
    try:
        yield demo
    finally:
        demo.terminate()
        demo.wait(timeout=60)


def processes_of(port: int) -> list[str]:
    """Return the command lines of all processes that were started for an emulator on this port."""
    found = []
    settings = (f"GATEWAY_PORT={port}", f"AWS_PORT={port}", f"AWS_ENDPOINT_URL=http://127.0.0.1:{port}")
    marks = [setting.encode() for setting in settings]
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, environ = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
        except OSError:
            continue
        if any(mark in environ.split(b"\0") for mark in marks):
            found.append(command.replace(b"\0", b" ").decode())
    return found


def listeners(pid: int) -> list[str]:
    """Return the addresses that a process and its descendants listen on, as the kernel writes them."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # The parent is the second field after the name, which is in parentheses and may contain anything.
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    sockets = set()
    for member in family:
        for opened in Path(f"/proc/{member}/fd").glob("*"):
            with contextlib.suppress(OSError):
                sockets.add(str(opened.readlink()))
    rows = [
        row.split()
        for table in ("tcp", "tcp6")
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return [row[1].partition(":")[0] for row in rows if row[3] == LISTEN and f"socket:[{row[9]}]" in sockets]


class Story(threading.Thread):
    """A demo, and the story that `--auto` plays, played on it; tests/unit/test_demo.py says that it is the same."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.output, self.told = folder / "output", folder / "told"
        self.ports = (free_port(), free_port())
        self.ended_with: int | None = None

    def run(self) -> None:
        url = f"http://127.0.0.1:{self.ports[1]}"
        seen(lambda: f"Open {url}" in self.output.read_text(), f"Open {url}", seconds=200)
        with self.told.open("w") as told:
            play = [sys.executable, "-c", f"from demo import story; story.play({url!r})"]
            self.ended_with = subprocess.run(play, cwd=ROOT, stdout=told, stderr=told, check=False).returncode


@pytest.fixture(scope="session", autouse=True)
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Story, subprocess.Popen[str]]]:
    """Begin with the first test of this file: it takes minutes, which other tests use."""
    story = Story(tmp_path_factory.mktemp("story"))
    with started(story.ports, story.output) as demo:
        story.start()
        yield story, demo


def test_ending_the_demo_while_it_starts_leaves_no_process_behind(tmp_path: Path) -> None:
    ports = (free_port(), free_port())
    with started(ports, tmp_path / "out") as demo:
        deadline = time.monotonic() + 200
        while not any("sam build" in command for command in processes_of(ports[0])):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        demo.send_signal(signal.SIGTERM)
        demo.wait(timeout=60)
    assert processes_of(ports[0]) == []


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    for taken, setting in ((0, "AWS_PORT"), (1, "DEMO_PORT")):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            port = listener.getsockname()[1]
            ports = (port, free_port()) if taken == 0 else (free_port(), port)
            with started(ports, tmp_path / "out") as demo:
                assert demo.wait(timeout=60) == 2
            said = (
                f"make demo: port {port} is in use: stop the program that uses it, or set {setting} to another port\n"
            )
            assert (tmp_path / "out").read_text() == said


@pytest.mark.last
def test_the_whole_story_holds_on_loopback_alone_and_ending_the_demo_leaves_no_process_behind(
    story: tuple[Story, subprocess.Popen[str]],
) -> None:
    played, demo = story
    played.join(timeout=280)
    assert played.ended_with == 0, played.output.read_text() + played.told.read_text()
    aws_port = played.ports[0]
    assert len(processes_of(aws_port)) >= 2
    found = listeners(demo.pid)
    assert len(found) >= 2
    assert set(found) == {LOOPBACK}
    credentials = WORK / f"credentials-{aws_port}"
    assert credentials.stat().st_mode & 0o777 == 0o600
    [key] = re.findall(r"^aws_access_key_id = (\S{32,})$", credentials.read_text(), re.MULTILINE)
    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=60) == 0
    assert not credentials.exists()
    for written in (played.output, played.told, *WORK.glob("*.log")):
        assert key not in written.read_text(errors="replace"), written
    assert processes_of(aws_port) == []
    said = played.told.read_text()
    assert "All steps passed in" in said
    assert said.count("  ok  ") >= 20
