"""What docs/operate.md says of tags: CloudFormation's own schemas, as cfn-lint has them, name what can have them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from demo.process import ROOT
from tests.support.sam_transform import resources

TEXT = (Path(__file__).parents[2] / "docs/operate.md").read_text()

_UNTAGGABLE = """
import json, pathlib, sys
import cfnlint

data = pathlib.Path(cfnlint.__file__).parent / "data/schemas"
files = json.loads((data / "providers/us-east-1.json").read_text())

def taggable(kind):
    schema = json.loads((data / f"resources/{files[kind]}.json").read_text())
    return schema["tagging"]["taggable"]

json.dump([kind for kind in sys.argv[1:] if not taggable(kind)], sys.stdout)
"""


def test_the_resources_that_can_not_have_tags_are_named() -> None:
    kinds = sorted({found["Type"] for found in resources().values()})
    done = subprocess.run(
        [ROOT / ".venv-sam/bin/python", "-c", _UNTAGGABLE, *kinds], capture_output=True, text=True, check=True
    )
    section = TEXT.partition("## Permissions boundary and tags")[2].partition("\n## ")[0]
    assert re.findall(r"`(AWS::\w+::\w+)`", section) == json.loads(done.stdout)
