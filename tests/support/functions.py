"""Start a Lambda function in this process, as Lambda does: its module is imported with its environment."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest


def start(module: str, environ: Mapping[str, str]) -> Callable[[Any, Any], Any]:
    """Start a function cold; return its handler. `module` is its entry point, such as `handlers.notify`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        # An import that failed is forgotten; one that succeeded is done again.
        known = sys.modules.get(module)
        loaded = importlib.reload(known) if known else importlib.import_module(module)
        handler: Callable[[Any, Any], Any] = loaded.handler
    return handler
