"""The MCP server of `approvals mcp`: the tools of `cli.mcp_tools` over standard input and output.

Each call gets a context of its own, so that a server can run for weeks, or for one call.
"""

from __future__ import annotations

import logging
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import anyio
import click
import mcp_types as types
from anyio import from_thread, to_thread
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from pydantic import BaseModel, ValidationError

from approvals.domain.characters import reveal
from cli import mcp_tools
from cli.aws_errors import explain
from cli.context import Context
from cli.mcp_arguments import (
    Arguments,
    RequestArguments,
    Requested,
    SpendArguments,
    Spent,
    WaitArguments,
    Waited,
    problems,
)
from cli.mcp_tools import Fixed
from cli.version import installed

_INSTRUCTIONS = (
    "Asks people to approve an action before you execute it. In this order: request_approval, wait_for_approval until "
    "it is decided, spend_approval, then execute exactly the approved action once. Everything but APPROVED means no."
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tool:
    """A tool: what clients are told of it, and the function that a call runs."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    result: type[BaseModel]
    annotations: types.ToolAnnotations
    call: Callable[[Context, Any], BaseModel]

    def described(self, hidden: frozenset[str] = frozenset()) -> types.Tool:
        """Return the description for clients, without the arguments in `hidden`."""
        schema = self.arguments.model_json_schema()
        schema["properties"] = {name: each for name, each in schema["properties"].items() if name not in hidden}
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=schema,
            output_schema=self.result.model_json_schema(),
            annotations=self.annotations,
        )


def tools(fixed: Fixed) -> tuple[Tool, ...]:
    """Return the tools. `fixed` is what the operator gives each request."""
    return (
        Tool(
            "request_approval",
            "Request approval",
            "Ask people to approve one exact action before you execute it. Returns an approval_id without waiting for "
            "the decision. Calling it again asks again.",
            RequestArguments,
            Requested,
            types.ToolAnnotations(
                read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
            ),
            partial(mcp_tools.request, fixed=fixed),
        ),
        Tool(
            "wait_for_approval",
            "Wait for approval",
            "Wait for the decision on an approval_id. Returns as soon as it is decided, or PENDING after `seconds`: "
            "then call it again. If approved, returns the grant_id to spend.",
            WaitArguments,
            Waited,
            types.ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=True),
            mcp_tools.wait,
        ),
        Tool(
            "spend_approval",
            "Spend approval",
            "Call this immediately before you execute the approved action. It uses the approval up, and checks that "
            "the action is the approved one. Execute the action once if this succeeds, and not at all if it fails.",
            SpendArguments,
            Spent,
            types.ToolAnnotations(
                read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
            ),
            mcp_tools.spend,
        ),
    )


def serve(context: Context, document: Mapping[str, Any]) -> None:
    """Serve one client on standard input and output, until it closes them."""
    # Else Ctrl-C would have to wait for the client's next message: reading standard input can't be interrupted.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fixed = Fixed(document)
    anyio.run(_serve, server(partial(replace, context, sleep=_sleep, unreadable=[]), fixed))


def server(new_context: Callable[[], Context], fixed: Fixed) -> Server[Any]:
    """Return the server. `new_context` makes the context of each call."""
    found = {tool.name: tool for tool in tools(fixed)}

    async def list_tools(
        _context: ServerRequestContext[Any], _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.described(fixed.arguments) for tool in found.values()])

    async def call_tool(
        _context: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        tool = found.get(params.name)
        if tool is None:
            return _failed(f"Unknown tool. The tools are: {', '.join(found)}.")
        return await to_thread.run_sync(_call, tool, new_context, params.arguments or {})

    return Server(
        "human-approval",
        version=installed(),
        title="Human approval",
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def _serve(server: Server[Any]) -> None:
    async with stdio_server() as (received, sent):
        await server.run(received, sent, server.create_initialization_options())


def _sleep(seconds: float) -> None:
    """Sleep in a tool's thread, until the client cancels the call or leaves."""
    from_thread.run(anyio.sleep, seconds)


def _call(tool: Tool, new_context: Callable[[], Context], given: Mapping[str, Any]) -> types.CallToolResult:
    """Run a tool. Every failure is a result that says what is wrong and what to do."""
    try:
        result = tool.call(new_context(), tool.arguments.model_validate(dict(given)))
    except ValidationError as error:
        return _failed(" ".join(problems(error, tool.arguments)))
    except click.ClickException as error:
        return _failed(error.format_message())
    except Exception as error:  # noqa: BLE001  # a tool call must not end the server
        if sentence := explain(error):
            return _failed(sentence)
        # An unexpected error's own text may repeat an argument: a log has only where it happened.
        _log.error("%s in %s\n%s", type(error).__name__, tool.name, "".join(traceback.format_tb(error.__traceback__)))
        return _failed(f"{tool.name} failed: a bug of `approvals mcp` ({type(error).__name__}). Tell the user.")
    text = result.model_dump_json()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=result.model_dump(mode="json")
    )


def _failed(sentence: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=reveal(sentence))], is_error=True)
