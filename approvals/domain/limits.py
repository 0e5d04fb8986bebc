"""Limits of Step Functions."""

from __future__ import annotations

MAX_TIMEOUT_MINUTES = 365 * 24 * 60 - 60
"""An execution lives at most a year. The last hour is reserved for the state machine's own timeout, the backstop.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
"""
