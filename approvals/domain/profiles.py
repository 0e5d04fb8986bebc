"""What the core says of a channel and which names it takes for its own: data that the channel's package registers.

Pure. A channel without a profile works: it is named as it is, and no name in a request is taken for one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from approvals.domain.model import SYSTEM


def _never(_name: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelProfile:
    """The words for a channel, and the forms of its names.

    `where` ends sentences such as "Approved by Ann in person", `directly` those about a message to one person; `name`
    begins sentences. `opened` takes the place of "Sent to Ann by email" where the channel sends nothing: "Open to {who}
    in person". `missing` tells a requester that the stack lacks the channel. `is_open` says that everyone in a place of
    the channel can respond to a request that names no approvers; `refusals` say why a user there can't, by the reason.
    `forms` describe what the request's schema calls a person, an approver and a channel.
    """

    where: str
    directly: str = ""
    opened: str = ""
    missing: str = ""
    name: str = ""
    forms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_open: bool = False
    refusals: Mapping[str, str] = field(default_factory=dict)
    is_person: Callable[[str], bool] = _never
    is_group: Callable[[str], bool] = _never
    is_place: Callable[[str], bool] = _never


_profiles: dict[str, ChannelProfile] = {SYSTEM: ChannelProfile(where="automatically")}


def register(channel: str, profile: ChannelProfile) -> None:
    """Add a channel's profile."""
    _profiles[channel] = profile


def profile_of(channel: str) -> ChannelProfile:
    """Return a channel's profile, or a plain one for a channel that has registered none."""
    return _profiles.get(channel) or ChannelProfile(where=f"by {channel}", name=channel)


def open_channels() -> list[str]:
    """Return the channels where people respond to requests that name no approvers."""
    return [channel for channel, profile in _profiles.items() if profile.is_open]


def refusal(reason: str) -> str:
    """Return what a channel says to those whom it refuses for this reason."""
    return next((each.refusals[reason] for each in _profiles.values() if reason in each.refusals), "")


def is_person(name: str) -> bool:
    """Return True if the name has the form of one person's, on any channel."""
    return any(profile.is_person(name) for profile in _profiles.values())


def is_group(name: str) -> bool:
    """Return True if the name has the form of a group's, on any channel."""
    return any(profile.is_group(name) for profile in _profiles.values())


def is_place(name: str) -> bool:
    """Return True if the name has the form of a place's, on any channel."""
    return any(profile.is_place(name) for profile in _profiles.values())


def forms_of(kind: str) -> list[str]:
    """Return the forms that a name of this kind can have, in words."""
    return [form for profile in _profiles.values() for form in profile.forms.get(kind, ())]


def channel_of(name: str) -> str | None:
    """Return the channel whose form a name has, a person's or a group's."""
    found = (channel for channel, profile in _profiles.items() if profile.is_person(name) or profile.is_group(name))
    return next(found, None)
