"""Working hours delay reminders, in order, and drop none: also where clocks change."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.domain.working_hours import DAYS, EXAMPLE, WorkingHours, parse_working_hours
from tests.support.template import TEMPLATE

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca")
MINUTE = timedelta(minutes=1)
BERLIN = "Europe/Berlin"

year = st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE)
changes = st.sampled_from(
    # When the clocks change in Berlin, New York and on Lord Howe Island, half an hour there.
    ["2026-03-29T01", "2026-10-25T01", "2026-03-08T07", "2026-11-01T06", "2026-04-04T15", "2026-10-03T15"]
).flatmap(
    lambda hour: st.integers(-2000, 2000).map(
        lambda minutes: datetime.fromisoformat(f"{hour}:00:00+00:00") + minutes * MINUTE
    )
)
times = st.builds(time, st.integers(0, 23), st.integers(0, 59)) | st.sampled_from([time(2), time(2, 30), time(3)])


@st.composite
def working_hours(draw: st.DrawFn) -> WorkingHours:
    start, end = draw(st.tuples(times, times).filter(lambda each: each[0] != each[1]))
    days = draw(st.sets(st.sampled_from(DAYS), min_size=1))
    return WorkingHours(days=tuple(sorted(days)), start=start, end=end, zone=draw(st.sampled_from(ZONES)))


def is_within(hours: WorkingHours, at: datetime) -> bool:
    """Return True if the clocks of the zone show a time in these hours. It looks at the clock alone."""
    local = at.astimezone(ZoneInfo(hours.zone))
    now, today, yesterday = local.time(), DAYS[local.weekday()], DAYS[local.weekday() - 1]
    if hours.start < hours.end:
        return today in hours.days and hours.start <= now < hours.end
    return (today in hours.days and now >= hours.start) or (yesterday in hours.days and now < hours.end)


@given(working_hours(), year | changes, st.integers(0, 3000), st.integers(1, 9000))
def test_hours_delay_to_a_moment_within_them_before_the_deadline_and_keep_the_order(
    hours: WorkingHours, first: datetime, later: int, rest: int
) -> None:
    second = first + later * MINUTE
    deadline = second + rest * MINUTE
    delayed = [hours.delay(each, deadline) for each in (first, second)]
    for planned, at in zip((first, second), delayed, strict=True):
        assert planned <= at < deadline
        assert at == planned or is_within(hours, at)
    assert delayed[0] <= delayed[1]


@given(working_hours(), year | changes)
def test_nothing_waits_longer_than_the_hours_are_away(hours: WorkingHours, planned: datetime) -> None:
    at = hours.delay(planned, planned + timedelta(days=400))
    assert at <= planned + timedelta(days=9)
    step = timedelta(minutes=30)
    ordinary = min(abs(hours.start.hour - 2), abs(hours.end.hour - 2)) > 2  # no clock change near either end
    if ordinary:
        assert not any(is_within(hours, planned + number * step) for number in range((at - planned) // step))


WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri")


@pytest.mark.parametrize(
    ("hours", "planned", "expected"),
    [
        pytest.param((WEEK, "09:00", "17:00", BERLIN), "2026-11-23T15:55", "2026-11-23T15:55", id="within"),
        pytest.param((WEEK, "09:00", "17:00", BERLIN), "2026-11-23T16:00", "2026-11-24T08:00", id="the-next-day"),
        pytest.param((WEEK, "09:00", "17:00", BERLIN), "2026-11-27T17:00", "2026-11-30T08:00", id="after-the-weekend"),
        pytest.param((WEEK, "09:00", "17:00", BERLIN), "2026-03-27T17:00", "2026-03-30T07:00", id="summer-time-begins"),
        pytest.param((("Mon",), "09:00", "17:00", BERLIN), "2026-11-23T16:00", "2026-11-30T08:00", id="the-next-week"),
        pytest.param((("Fri",), "22:00", "06:00", "UTC"), "2026-11-28T05:59", "2026-11-28T05:59", id="past-midnight"),
        pytest.param((("Fri",), "22:00", "06:00", "UTC"), "2026-11-28T06:00", "2026-12-04T22:00", id="after-the-night"),
        pytest.param((DAYS, "02:10", "02:50", BERLIN), "2026-03-28T12:00", "2026-03-30T00:10", id="skipped-by-clocks"),
        pytest.param((DAYS, "09:00", "17:00", "Mars/Olympus"), "2026-11-23T04:00", "2026-11-23T04:00", id="no-zone"),
    ],
)
def test_hours_begin_when_the_clocks_of_the_zone_say_so(
    hours: tuple[tuple[str, ...], str, str, str], planned: str, expected: str
) -> None:
    days, start, end, zone = hours
    found = WorkingHours(days=days, start=time.fromisoformat(start), end=time.fromisoformat(end), zone=zone)
    moment = datetime.fromisoformat(f"{planned}:00+00:00")
    assert found.delay(moment, moment + timedelta(days=30)) == datetime.fromisoformat(f"{expected}:00+00:00")


ALLOWED = TEMPLATE["Parameters"]["RemindDuring"]["AllowedPattern"]


@pytest.mark.parametrize(
    ("written", "days", "start", "end", "zone"),
    [
        (EXAMPLE, DAYS[:5], time(9), time(17), BERLIN),
        ("Sat-Mon,Wed 22:30-06:00 UTC", ("Sat", "Sun", "Mon", "Wed"), time(22, 30), time(6), "UTC"),
        ("Fri 09:00-09:01 Etc/GMT+5", ("Fri",), time(9), time(9, 1), "Etc/GMT+5"),
    ],
)
def test_hours_are_read_as_people_write_them(
    written: str, days: tuple[str, ...], start: time, end: time, zone: str
) -> None:
    assert parse_working_hours(written) == WorkingHours(days=days, start=start, end=end, zone=zone)
    assert re.search(ALLOWED, written)


@pytest.mark.parametrize(
    "written",
    [
        "Mon-Fri",
        "Mon-Fri 9:00-17:00 UTC",
        "Mon-Fri 09:00-24:00 UTC",
        "Mon- 09:00-17:00 UTC",
        "mon-fri 09:00-17:00 UTC",
        "Mon,, 09:00-17:00 UTC",
        "Mon-Wed-Fri 09:00-17:00 UTC",
        "Mon-Fri 09:00-17:00",
        " Mon 09:00-17:00 UTC",
        "Mon 09:00-17:00 UTC UTC",
    ],
)
def test_other_texts_are_no_hours_for_the_template_either(written: str) -> None:
    assert parse_working_hours(written) is None
    assert not re.search(ALLOWED, written)


@given(st.from_regex(ALLOWED, fullmatch=True))
def test_the_function_reads_whatever_the_template_allows(written: str) -> None:
    assert bool(parse_working_hours(written)) == bool(written)


def test_a_stack_has_no_working_hours_unless_it_names_some() -> None:
    assert TEMPLATE["Parameters"]["RemindDuring"]["Default"] == ""
    assert parse_working_hours("") is None
