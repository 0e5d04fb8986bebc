"""`make demo`, as a person runs it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from demo import story
from demo.process import ROOT, WORK
from tests.e2e.conftest import free_port

LISTEN = "0A"
LOOPBACK = "0100007F"
"""127.0.0.1 and the state LISTEN in /proc/net/tcp on a little-endian machine."""


def start(*arguments: str, ports: tuple[int, int], output: IO[str]) -> subprocess.Popen[str]:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_PORT": str(ports[0]),
        "DEMO_PORT": str(ports[1]),
        # As on a developer's machine: nothing of this may be used.
        "AWS_PROFILE": "production",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "demo", *arguments]
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


def listeners(pid: int) -> list[str]:
    """The addresses, without ports, that a process and all its descendants listen on, as the kernel writes them."""
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


def test_the_whole_story_holds_on_loopback_alone_and_ending_the_demo_leaves_no_process_behind(
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
        found = listeners(demo.pid)
        assert len(found) >= 2
        assert set(found) == {LOOPBACK}
        credentials = WORK / f"credentials-{ports[0]}"
        assert credentials.stat().st_mode & 0o777 == 0o600
        [key] = re.findall(r"^aws_access_key_id = (\S{32,})$", credentials.read_text(), re.MULTILINE)
        demo.send_signal(signal.SIGINT)
        code = demo.wait(timeout=60)
    assert code == 0
    assert not credentials.exists()
    for written in (tmp_path / "out", *WORK.glob("*.log")):
        assert key not in written.read_text(errors="replace"), written
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
