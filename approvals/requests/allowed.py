"""The people whom the operator's policy lets approve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from approvals.domain.parts import join_names
from approvals.domain.people import Person
from approvals.domain.pinned_policy import is_allowed
from approvals.domain.profiles import is_group


class Allowed:
    """Lists of names, domains and groups. A person is allowed if each list names them.

    `resolve` returns the people behind a group's name.
    """

    def __init__(self, lists: Sequence[Sequence[str]], resolve: Callable[[str], Iterable[Person]]) -> None:
        self._written = lists
        self.lists = tuple(tuple(_expanded(names, resolve)) for names in lists)
        """The lists with the identities of members in the place of each group."""

    def __str__(self) -> str:
        """Return the lists as part of a sentence, as the policy has them."""
        return ", and of these ".join(join_names(list(names)) for names in self._written)

    def include(self, person: Person) -> bool:
        """Return True if each list names the person, by any of their identities."""
        return is_allowed((person.id, *person.identities.values()), self.lists)


def _expanded(names: Sequence[str], resolve: Callable[[str], Iterable[Person]]) -> Iterable[str]:
    for name in names:
        if not is_group(name):
            yield name
            continue
        for person in resolve(name):
            yield from (person.id, *person.identities.values())
