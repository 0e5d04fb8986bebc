"""Run everything on this machine: emulated AWS, an inbox and Slack on one page (`make demo`)."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

from demo import aws, deploy, emulator, roles, story
from demo.person import NotSeenError
from demo.process import WORK, DemoError, PortTakenError, check_port
from demo.stack import LocalStack, store_policy

_MAX_PORT = 65535
_UNDER_POLICY = """
Every request is under the policy examples/policy.json. Start "A deployment": one of security (Alice or Carol) and one
of ops (Bob or Carol) must approve. With the fact Environment: dev, one response decides. Ivy alone can override.
Change the policy:
  {command} policy get > policy.json
  {command} policy set policy.json --if-version 1
"""
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """Run the demo. Return the exit code: 0 stopped by the user or story complete, 1 failed, 2 port taken."""
    parser = argparse.ArgumentParser(prog="make demo ARGS=...", description=__doc__)
    parser.add_argument(
        "--auto", action="store_true", help="play a story of requests and responses unattended, then stop"
    )
    parser.add_argument("--policy", action="store_true", help="put every request under the policy examples/policy.json")
    options = parser.parse_args()
    if options.auto and options.policy:
        parser.error("--auto plays requests without a policy. Leave out --policy.")
    # SIGTERM and a closed terminal end the run as Ctrl-C does: everything started is stopped.
    for number in _ENDINGS:
        signal.signal(number, _end_once)
    try:
        _run(auto=options.auto, under_policy=options.policy)
    except PortTakenError as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 2
    except (DemoError, NotSeenError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


def _end_once(_number: int, _frame: FrameType | None) -> None:
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)  # A second Ctrl-C must not interrupt the clean-up.
    raise KeyboardInterrupt


def _run(*, auto: bool, under_policy: bool) -> None:
    aws_port, web_port = _free_port("AWS_PORT", aws.PORT), _free_port("DEMO_PORT", 8080)
    WORK.mkdir(exist_ok=True)
    aws.isolate(aws_port)
    with ExitStack() as stopping:
        with _progress("Starting emulated AWS"):
            stopping.enter_context(emulator.running(aws_port))
        with _progress("sam build"):
            deploy.build()
        with _progress("sam deploy"):
            parameters = {"PolicyParameter": store_policy()} if under_policy else {}
            stack = LocalStack(aws_port=aws_port, web_port=web_port, parameters=parameters)
        stopping.callback(stack.stop)
        roles.write_profiles(emulator.credentials_of(aws_port), stack.outputs)
        if auto:
            story.play(stack.url)
        else:
            # Flushed, so that a file or a pipe shows the address at once.
            more = _UNDER_POLICY.format(command=stack.command) if under_policy else ""
            print(f"\nOpen {stack.url}\n{more}\nCtrl-C stops everything.", flush=True)
            threading.Event().wait()


def _free_port(setting: str, default: int) -> int:
    value = os.environ.get(setting) or str(default)
    if not value.isdigit() or not 1 <= int(value) <= _MAX_PORT:
        raise DemoError(f"{setting}: {value!r} is not a port from 1 to {_MAX_PORT}.")
    check_port(int(value), setting)
    return int(value)


@contextmanager
def _progress(step: str) -> Iterator[None]:
    """Print a step, a dot every two seconds while it lasts, and how long it took."""
    print(f"{step} ", end="", flush=True)
    started, ended, result = time.monotonic(), threading.Event(), "failed"

    def print_dots() -> None:
        while not ended.wait(2):
            print(".", end="", flush=True)

    dots = threading.Thread(target=print_dots)
    dots.start()
    try:
        yield
        result = f"{time.monotonic() - started:.1f} s"
    finally:
        ended.set()
        dots.join()
        print(f" {result}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
