"""The form of the ARNs of IAM roles. Standard library only."""

from __future__ import annotations

import re
from typing import Final

IAM: Final = "iam"
"""The channel's name in records, results and events."""

ROLE = "arn:aws[a-z-]*:iam::[0-9]{12}:role/(?:[!-~]+/)?[A-Za-z0-9_+=,.-]{1,64}"
"""A role with or without its path. Names with an @, which IAM allows, are left out: they could pass for an address.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names
"""

_ROLE = re.compile(ROLE)


def is_role(text: str) -> bool:
    """Return True if the text has the form of a role's ARN."""
    return _ROLE.fullmatch(text) is not None


def role_name(arn: str) -> str:
    """Return the name in a role's ARN."""
    return arn.rpartition("/")[2]


def without_path(arn: str) -> str:
    """Return a role's ARN without its path, which sessions don't show. Names are unique in an account without it.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    return f"{arn.partition('/')[0]}/{role_name(arn)}"
