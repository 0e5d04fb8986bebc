"""Small policies and small requests, as JSON: all of them, or any of many more keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, TypeVar

R, A, B, D = (f"{name}@example.com" for name in "rabd")
X = "x@other.org"
EVERYONE = (R, A, B, D, X)
TEAM = "S0TEAM0001"
TEAMS = {TEAM: (A, X)}
"""A group that Slack knows."""

Names = tuple[str, ...]
T = TypeVar("T")
Choose = Callable[[Sequence[T]], T]
"""How one of several values is chosen: by Hypothesis, or by a generator of random numbers."""

STATED = ((), ("dev",), (" DEV ",), ("prod",), (" PROD",), ("Prod ",), ("dev", "prod"), ("dev", "test"), ("stage",))
"""What requests state of their environment."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. It does not apply where the environment is `harmless`, or stated and not `dangerous`."""

    minimum: int | None = None
    groups: tuple[tuple[str, int], ...] = ()
    cap: int | None = None
    raises: bool = False
    approvers: Names | None = None
    harmless: Names = ()
    dangerous: Names = ()

    @property
    def keys(self) -> dict[str, Any]:
        values = {"Facts": {"Environment": list(self.harmless or self.dangerous)}}
        found = {
            "MinimumApprovals": self.minimum,
            "RequiredGroups": dict(self.groups) or None,
            "MaximumRejections": self.cap,
            "Enforce": "raise" if self.raises else None,
            "Approvers": None if self.approvers is None else list(self.approvers),
            "Unless": values if self.harmless else None,
            "When": values if self.dangerous else None,
        }
        return {key: value for key, value in found.items() if value is not None}

    @property
    def is_conditional(self) -> bool:
        return bool(self.harmless or self.dangerous)

    @property
    def needed(self) -> int:
        """Return how many must approve in all."""
        return self.minimum or sum(number for _, number in self.groups) or 1


@dataclass(frozen=True, slots=True)
class Floor:
    """A policy. `groups` are name, members and their delegates; `document` has its own keys, `rules` the others.

    What is forbidden is left out: absence is the strict case.
    """

    allowed: Names
    document: Rule
    rules: tuple[Rule, ...] = ()
    groups: tuple[tuple[str, Names, Names], ...] = ()
    self_ok: bool = False
    requester_needed: bool = True
    open_ok: bool = False
    delegation: bool = True

    @property
    def written(self) -> dict[str, Any]:
        groups = {
            name: {"Approvers": list(members), **({"Delegates": list(deputies)} if deputies else {})}
            for name, members, deputies in self.groups
        }
        found = {
            "Format": 1,
            **self.document.keys,
            "Approvers": list(self.allowed),
            "Groups": groups,
            "Rules": [{"Name": f"rule-{number}", **rule.keys} for number, rule in enumerate(self.rules)],
            "SelfApproval": self.self_ok or None,
            "RequestedBy": None if self.requester_needed else "optional",
            "OpenRequests": self.open_ok or None,
            "Delegation": None if self.delegation else {"Allowed": False},
        }
        return {key: value for key, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `groups` are name, members as written, and number; None for `needed` and `requester` is left out."""

    approvers: Names = ()
    groups: tuple[tuple[str, Names, int], ...] = ()
    needed: int | None = None
    rejections: int = 1
    own: bool = False
    requester: str | None = R
    environments: Names = ()
    silent: Names = ()
    escalation: Names = ()

    @property
    def written(self) -> dict[str, Any]:
        groups = [
            {"Name": name, "Required": number, **({"Approvers": list(members)} if members else {})}
            for name, members, number in self.groups
        ]
        request = {
            "Approvers": list(self.approvers) or None,
            "Groups": groups or None,
            "RequiredApprovals": self.needed,
            "RequiredRejections": self.rejections,
            "AllowSelfApproval": self.own,
            "RequestedBy": self.requester,
            "Facts": [{"Label": "Environment", "Value": value} for value in self.environments] or None,
            "Silent": list(self.silent) or None,
            "EscalateTo": list(self.escalation) or None,
            "EscalateAfterMinutes": 5 if self.escalation else None,
        }
        return {"Approval": request}


@dataclass(frozen=True, slots=True)
class Instance:
    """A policy, a request under it, and who is away: pairs of a person and their delegate."""

    floor: Floor
    asked: Asked
    away: tuple[tuple[str, str], ...] = field(default=())


def every_instance() -> Iterator[Instance]:
    """Yield every small request under every small policy: one group of the policy's, one rule, four people."""
    groups: list[tuple[Names, int]] = [((), 0), ((A,), 1), ((A, B), 1), ((A, B), 2), ((A, R), 1)]
    yes = (False, True)
    for allowed, (members, number), minimum, cap, self_ok, known, is_open, raises in product(
        (EVERYONE[:4], (R, A, B), (B, R)), groups, (1, 2), (1, 2), yes, yes, yes, yes
    ):
        floor = Floor(
            allowed=allowed,
            document=Rule(cap=cap, raises=raises),
            rules=(Rule(minimum=minimum, groups=(("g", number),) if number else (), raises=raises),),
            groups=(("g", members, ()),) if members else (),
            self_ok=self_ok,
            requester_needed=known,
            open_ok=is_open,
        )
        for approvers, needed, rejections, own, requester, others, of_group in product(
            ((), (A,), (A, B), (A, R), (B, D), (A, B, D)), (1, 2), (1, 2), yes, (R, None), ((), (B,)), (None, (), (B,))
        ):
            written = [("h", others, 1)] if others else []
            written += [] if of_group is None else [("g", of_group, 1)]
            asked = Asked(approvers, tuple(written), needed, rejections, own, requester)
            yield Instance(floor, asked)


def an_instance(choose: Choose[Any]) -> Instance:
    """Return a policy of up to three rules, a request with any of the keys that matter, and up to two absences."""
    yes = (False, True)
    members = ((A,), (A, B), (A, B, D), (TEAM,), (A, R), (B, X))
    names = choose(((), ("g",), ("g", "h")))
    groups = tuple((name, choose(members), choose(((), (D,), (B,)))) for name in names)

    def rule(*, own: bool) -> Rule:
        required = tuple((name, choose((1, 1, 2))) for name, *_ in groups if choose(yes))
        kind = "always" if own else choose(("always", "unless", "when"))
        return Rule(
            minimum=choose((None, None, None, 1, 2)),
            groups=required,
            cap=choose((None, None, 2) if own else (None, None, 1, 2)),
            raises=choose((False, True, True)),
            approvers=None if own else choose((None, None, None, (A, B, R), (TEAM, B))),
            harmless=("dev", "test") if kind == "unless" else (),
            dangerous=("prod",) if kind == "when" else (),
        )

    floor = Floor(
        allowed=choose((*[("@example.com",)] * 4, EVERYONE, EVERYONE, (R, A, B), (TEAM, B, R))),
        document=rule(own=True),
        rules=tuple(rule(own=False) for _ in range(choose((0, 1, 1, 2)))),
        groups=groups,
        self_ok=choose(yes),
        requester_needed=choose(yes),
        open_ok=choose(yes),
        delegation=choose((True, True, True, False)),
    )
    narrowed = ((A,), (B,), (A, D), (TEAM,))
    written = [
        (name, choose((() if name in names else (A,), *narrowed)), choose((1, 1, 2)))
        for name in "ghk"
        if choose((False, False, True))
    ]
    approvers = choose((*[(A, B), (A, B, D), (A, B, R)] * 2, (A,), (B, R), (B, D), (TEAM, B), (X, A), (), ()))
    asked = Asked(
        approvers=approvers,
        groups=tuple(written),
        needed=choose((None, None, 1, 2)),
        rejections=choose((1, 1, 1, 1, 2)),
        own=choose((False, False, False, True)),
        requester=choose((*[R] * 7, A, None)),
        environments=choose(STATED),
        silent=choose(((), (), (), (A,), (D,))),
        escalation=choose(((), (), (), (D,))) if approvers or written else (),
    )
    pairs = ((A, D), (A, D), (B, D), (B, D), (A, B), (R, D), (A, R), (D, B), (A, X))
    return Instance(floor, asked, tuple({choose(pairs): None for _ in range(choose((0, 1, 1, 2)))}))
