"""Unit tests: no network, no clock, no sleeping."""

from hypothesis import settings

# A busy machine is no failure. Built on the profile that Hypothesis chose itself: in CI that one is repeatable.
settings.register_profile("unit", parent=settings(), deadline=None)
settings.load_profile("unit")
