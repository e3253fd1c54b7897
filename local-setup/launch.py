#!/usr/bin/env python3
"""``local-setup/launch.py CONFIG.json``: the same as ``integritee local-setup CONFIG.json``."""

import os
import sys
from pathlib import Path

try:
    from integritee.devnet.main import main
except ModuleNotFoundError as missing:  # not in this interpreter: then in the one that `make` has installed it for
    python = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"
    if Path(sys.executable) == python or not python.exists():
        sys.exit(f"error: {missing}; `make demo` installs what is needed into .venv")
    os.execv(python, [str(python), __file__, *sys.argv[1:]])  # noqa: S606  # our own interpreter, no shell

if __name__ == "__main__":
    sys.exit(main(["local-setup", *sys.argv[1:]]))
