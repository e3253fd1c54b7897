#!/usr/bin/env python3
"""The bot community by its original name and place: `init`, `run`, `benchmark`; the same as `integritee bots`."""

import sys

from integritee.bots.main import main

if __name__ == "__main__":
    sys.exit(main(program="bot-community.py"))
