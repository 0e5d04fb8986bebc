"""`make demo`: the whole product on this machine. With --auto it plays the story unattended and exits."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from demo import aws, deploy, emulator, story
from demo.person import NotSeenError
from demo.process import WORK, Failed, PortTaken, check_port
from demo.stack import LocalStack


def main() -> int:
    """Runs the demo; returns the exit code: 0 ended as asked, 1 something failed, 2 a port is taken."""
    parser = argparse.ArgumentParser(prog="make demo ARGS=...", description=__doc__)
    parser.add_argument("--auto", action="store_true", help="play the whole story unattended, then stop")
    auto = parser.parse_args().auto
    # SIGTERM and a closed terminal end the run as Ctrl-C does: everything started is stopped.
    for number in _ENDINGS:
        signal.signal(number, _end_once)
    try:
        return _run(auto=auto)
    except PortTaken as taken:
        print(f"make demo: {taken}", file=sys.stderr)
        return 2
    except (Failed, NotSeenError) as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _end_once(_number: int, _frame: FrameType | None) -> None:
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)  # An impatient second Ctrl-C must not cut the cleaning up short.
    raise KeyboardInterrupt


def _run(*, auto: bool) -> int:
    aws_port = _port("AWS_PORT", 4566)
    web_port = _port("DEMO_PORT", 8080)
    check_port(aws_port, "AWS_PORT")
    check_port(web_port, "DEMO_PORT")
    WORK.mkdir(exist_ok=True)
    aws.isolate(aws_port)
    with _progress("Starting emulated AWS"):
        emulated = emulator.start(aws_port)
    try:
        with _progress("sam build"):
            deploy.build()
        with _progress("sam deploy"):
            stack = LocalStack(aws_port=aws_port, web_port=web_port)
        try:
            if auto:
                story.play(stack.url)
            else:
                print(f"\nOpen {stack.url}\n\nCtrl-C stops everything.", flush=True)
                threading.Event().wait()
        finally:
            stack.stop()
    finally:
        emulated.stop()
    return 0


def _port(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdigit() or not 1 <= int(value) <= 65535:  # noqa: PLR2004
        raise Failed(f"{name}: expected a port from 1 to 65535, got {value!r}")
    return int(value)


@contextmanager
def _progress(what: str) -> Iterator[None]:
    """Prints what is being done, a dot each two seconds while it lasts, and how long it took."""
    print(f"{what} ", end="", flush=True)
    started, done = time.monotonic(), threading.Event()

    def dots() -> None:
        while not done.wait(2):
            print(".", end="", flush=True)

    thread = threading.Thread(target=dots)
    thread.start()
    try:
        yield
    except BaseException:
        done.set()
        thread.join()
        print(" failed")
        raise
    done.set()
    thread.join()
    print(f" {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
