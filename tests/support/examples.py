"""The folder of the examples, and the example that tests import."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from demo.process import ROOT

EXAMPLES = ROOT / "examples"


def load_gate() -> Any:
    """Import the gate in front of an agent's tools."""
    spec = importlib.util.spec_from_file_location("gate", EXAMPLES / "agent/gate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["gate"] = module
    spec.loader.exec_module(module)
    return module
