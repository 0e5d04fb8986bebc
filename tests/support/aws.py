"""boto3 and moto, set up once instead of for each test: that took most of the time of a small test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import cache, partialmethod
from typing import Any

import boto3
import pytest
from botocore.loaders import create_loader
from moto.core.serialize import ResponseSerializer


def share_files(patch: pytest.MonkeyPatch) -> None:
    """Let all sessions share what botocore reads of services and endpoints: two thirds of a first client's time."""
    add_path = boto3.Session._setup_loader
    with_resources: set[int] = set()

    def add_path_once(session: Any) -> None:
        loader = session._session.get_component("data_loader")
        session._loader = loader
        if id(loader) not in with_resources:
            with_resources.add(id(loader))
            add_path(session)

    patch.setattr("botocore.session.create_loader", cache(create_loader))
    patch.setattr(boto3.Session, "_setup_loader", add_path_once)


def serialize_quickly(patch: pytest.MonkeyPatch) -> None:
    """Spare moto looking for the nine types that an attribute value is not: half of a call's time."""

    def quickly(moto: Any, slowly: Callable[..., Any], value: Any, key: str, shape: object) -> Any:
        if isinstance(value, dict) and len(value) == 1 and key not in value:
            return None
        return slowly(moto, value, key, shape)

    patch.setattr(ResponseSerializer, "get_value", partialmethod(quickly, ResponseSerializer.get_value))


def any_client(service: str, **options: str | None) -> Any:
    """Return a client of a service that only the run knows: boto3's types want the name written out."""
    make: Callable[..., Any] = boto3.client
    return make(service, **options)


@cache
def _client(service: str) -> Any:
    return any_client(service, region_name="eu-west-1", aws_access_key_id="test", aws_secret_access_key="test")


@contextmanager
def client_of(service: str) -> Iterator[Any]:
    """Hand out the one client of a service. Event handlers that a test registers with it are gone afterwards.

    It keeps nothing of AWS: each test's `mock_aws` begins with empty services.
    """
    client = _client(service)
    events = client.meta.events  # The client's endpoint and signer have the same, so what is in it is exchanged.
    shared, events._emitter = events._emitter, copy(events._emitter)
    try:
        yield client
    finally:
        events._emitter = shared
