"""Runs a module as a program that ends with its supervisor: ``python -m integritee.devnet.child MODULE ARGS…``.

Standard input is the lifeline: a pipe whose other end only the supervisor holds. The kernel closes it however the
supervisor ends, ``kill -9`` included; the program is then asked to stop as by an operator, and shortly after killed
with all that it started. Works wherever there are pipes, and asks nothing of the program.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

LIFELINE: Final = 0
GRACE: Final = 3.0
"""Seconds between asking and killing."""


def main() -> None:
    module, *arguments = sys.argv[1:]
    threading.Thread(target=_follow_supervisor, name="lifeline", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _follow_supervisor() -> None:
    while os.read(LIFELINE, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
