"""Why a grant was not spent, or may not be used. Each means: don't execute the action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class GrantError(Exception):
    """The grant was not spent, so the action must not be executed. `name` is the contract's name of the error."""

    name: ClassVar[str] = "GrantError"


class GrantSpentError(GrantError):
    """The grant has been spent as often as was approved. The text says by whom and when."""

    name = "GrantSpent"


class GrantExpiredError(GrantError):
    """The grant is no longer valid. The text says since when."""

    name = "GrantExpired"


class ActionChangedError(GrantError):
    """The action is not the one that was approved. The text names the paths that differ."""

    name = "ActionChanged"


class GrantUnknownError(GrantError):
    """There is no such grant."""

    name = "GrantUnknown"


class InvalidSpendError(GrantError):
    """The action or another value can't be spent: for example, an argument has no JSON form. The text names it."""

    name = "InvalidSpend"


class SpendFailedError(GrantError):
    """The spend function failed, or did not answer. The grant may be spent, but not by an execution: ask again."""

    name = "SpendFailed"


REFUSALS: Mapping[str, type[GrantError]] = {
    error.name: error
    for error in (GrantSpentError, GrantExpiredError, ActionChangedError, GrantUnknownError, InvalidSpendError)
}
"""The errors of the spend function, by their names."""
