"""The official MCP client: calls of `approvals mcp` in this process, and with a process for each call."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, TypeVar

import anyio
import mcp_types as types
from mcp import Client, ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.server import Server

from demo.process import ROOT

SECONDS = 120
"""The longest call: a process starts, and the machine may be busy."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Answer:
    """The answer of a tool: its structured content, or the text of an error. `errors` is the process's log."""

    failed: bool
    text: str
    content: Mapping[str, Any]
    errors: str = ""


def ask(server: Server[Any], tool: str, arguments: Mapping[str, Any]) -> Answer:
    """Call a tool of a server in this process, after the handshake."""

    async def run() -> types.CallToolResult:
        with anyio.fail_after(SECONDS):
            async with Client(server, mode="legacy") as client:
                return await client.call_tool(tool, dict(arguments))

    return _answer(anyio.run(run), "")


@dataclass(frozen=True)
class Process:
    """Starts the real command for each call, with these options and nothing in common but `environ`."""

    environ: Mapping[str, str]
    options: tuple[str, ...] = ()

    def ask(self, tool: str, arguments: Mapping[str, Any]) -> Answer:
        """Call a tool in a process of its own."""
        result, errors = self.session(lambda session: session.call_tool(tool, dict(arguments)))
        return _answer(result, errors)

    def session(self, use: Callable[[ClientSession], Awaitable[Found]]) -> tuple[Found, str]:
        """Use a session with a process of its own; also return what the process wrote to standard error."""
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "cli", "mcp", *self.options], env=dict(self.environ), cwd=ROOT
        )

        async def run() -> Found:
            with anyio.fail_after(SECONDS):
                async with stdio_client(command, errors) as (received, sent), ClientSession(received, sent) as session:
                    await session.initialize()
                    return await use(session)

        with TemporaryFile("w+") as errors:
            found = anyio.run(run)
            errors.seek(0)
            return found, errors.read()


def _answer(result: types.CallToolResult, errors: str) -> Answer:
    [block] = result.content
    assert isinstance(block, types.TextContent)
    failed, content = bool(result.is_error), result.structured_content or {}
    assert failed or json.loads(block.text) == content, "clients that know no structured content read the text"
    return Answer(failed, block.text, content, errors)
