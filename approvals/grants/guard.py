"""Guard a function: each call spends a grant for its arguments."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import Any, TypeVar

import boto3

from approvals.domain.model import Json
from approvals.grants.json_copies import copied
from approvals.grants.spender import Spender

Returned = TypeVar("Returned")


def guarded(
    *, function: str, session: boto3.Session | None = None, name: str | None = None
) -> Callable[[Callable[..., Returned]], Callable[..., Returned]]:
    """Return a decorator: each call of the decorated function spends a grant for exactly its arguments.

        @grants.guarded(function=SPEND_FUNCTION_ARN)
        def drop_table(table: str, *, cascade: bool = False) -> None: ...

        drop_table("orders_2019", grant_id=grant_id)

    The action is `action_of(drop_table, "orders_2019")`, with the defaults of the other arguments. The decorated
    function is called with a copy of the arguments that were spent; it can be a coroutine function. `name` replaces the
    function's name in the action. The function's code and what it reads are not part of the action.

    The call raises what `spend` raises, and then the function was not called. Raises `TypeError` if the function has an
    argument `grant_id`, or if there is no `name` and it has none of its own, or is the method of an object.
    """
    lock = Lock()
    spenders: list[Spender] = []

    def spender() -> Spender:
        with lock:  # A session is not safe to be used by several threads; its clients are.
            if not spenders:
                spenders.append(Spender.of(session, function))
            return spenders[0]

    def decorate(decorated: Callable[..., Returned]) -> Callable[..., Returned]:
        bound = _Function(decorated, name or _name(decorated), inspect.signature(decorated))
        if "grant_id" in bound.signature.parameters:
            raise TypeError(f"{bound.name}: rename the argument grant_id, which is the guard's.")

        @wraps(decorated)
        def run(*arguments: Any, grant_id: str, **named: Any) -> Returned:
            call = bound.bind(arguments, named)
            spender().spend(grant_id, call.action)
            return decorated(*call.arguments, **call.named)

        @wraps(decorated)
        async def run_later(*arguments: Any, grant_id: str, **named: Any) -> Any:
            call = bound.bind(arguments, named)
            await asyncio.to_thread(lambda: spender().spend(grant_id, call.action))
            return await decorated(*call.arguments, **call.named)  # type: ignore[misc]  # a coroutine function

        guard: Any = run_later if inspect.iscoroutinefunction(decorated) else run
        setattr(guard, _GUARDED, bound)
        return guard  # type: ignore[no-any-return]

    return decorate


def action_of(called: Callable[..., Any], /, *arguments: Any, **named: Any) -> dict[str, Json]:
    """Return the action that a call of a guarded function is: put it into the request as `Action`.

        action_of(drop_table, "orders_2019")
        {"Function": "ops.drop_table", "Arguments": {"table": "orders_2019", "cascade": False}}

    Defaults are included. `*args` is a list and `**kwargs` an object, under their own names.

    Raises:
        InvalidSpendError: an argument has no JSON form. The text names it.
        TypeError: the function can't be called with these arguments.
    """
    bound: _Function | None = getattr(called, _GUARDED, None)
    bound = bound or _Function(called, _name(called), inspect.signature(called))
    return bound.bind(arguments, named).action


_GUARDED = "__approvals_guarded__"
"""The attribute of a guarded function with its `_Function`."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A call of a function: the action, and the arguments, which share nothing with those of the caller."""

    action: dict[str, Json]
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Function:
    """A function with the name that approvers see."""

    called: Callable[..., Any]
    name: str
    signature: inspect.Signature

    def bind(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> _Call:
        """Return the call with these arguments. Raises `InvalidSpendError`, and `TypeError` as the call itself."""
        try:
            bound = self.signature.bind(*arguments, **named)
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}.") from error
        bound.apply_defaults()
        rest = {each.name for each in self.signature.parameters.values() if each.kind is each.VAR_POSITIONAL}
        copies: dict[str, Json] = {}
        for name, value in bound.arguments.items():
            copies[name] = copied([*value] if name in rest else value, f"{self.name}: the argument {name}")
        # A copy of its own for the action: the called function may change its arguments.
        action: dict[str, Json] = {"Function": self.name, "Arguments": copied(copies, self.name)}
        bound.arguments.update(copies)  # A list is as good as a tuple for the rest.
        return _Call(action, bound.args, bound.kwargs)


def _name(called: Callable[..., Any]) -> str:
    if inspect.ismethod(called) or (inspect.isbuiltin(called) and not inspect.ismodule(called.__self__)):
        raise TypeError(
            f"{called.__qualname__} is bound to an object, which is not part of the action: the same method of another "
            "object would pass for it. Guard a function, or use name=."
        )
    try:
        return f"{called.__module__}.{called.__qualname__}"
    except AttributeError as error:
        raise TypeError("The function has no name of its own. Use name=.") from error
