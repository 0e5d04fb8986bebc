"""Every test, in two processes side by side: the deployed stack mostly waits, the rest mostly computes.

Prints what the second one says as it comes, then what the first one said. Exits with the worse of their codes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Runs both, to their end; a Ctrl-C ends both."""
    pytest = [sys.executable, "-m", "pytest"]
    with tempfile.TemporaryFile() as said:
        deployed = subprocess.Popen([*pytest, "tests/e2e"], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
        try:
            others = subprocess.run([*pytest, "tests", "--ignore=tests/e2e"], cwd=ROOT, check=False).returncode
            code = deployed.wait()
        except BaseException:
            deployed.terminate()
            deployed.wait()
            raise
        finally:
            said.seek(0)
            sys.stdout.write(said.read().decode(errors="replace"))
            sys.stdout.flush()
    return max(others, code)


if __name__ == "__main__":
    sys.exit(main())
