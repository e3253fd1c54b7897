"""What py-evm does to the process it is loaded into is undone."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
usual = sys.getrecursionlimit()
from tests.apps.evm.contracts import COUNTER
from tests.apps.evm.kit import ALICE, EvmBench
bench = EvmBench()
assert bench.create(ALICE, COUNTER).error is None
assert "eth" in sys.modules
print(sys.getrecursionlimit() - usual)
"""


def test_the_recursion_limit_is_the_usual_one_after_a_run() -> None:
    """py-evm and py_ecc raise it to 100,000, which lets deeply nested JSON overflow the C stack of the trusted RPC."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "0\n"), run.stderr
