"""Loads py-evm before the tests do, and keeps it from raising Python's recursion limit for the whole suite."""

from __future__ import annotations

import sys

usual = sys.getrecursionlimit()
import integritee.apps.evm.interpreter  # noqa: E402, F401

sys.setrecursionlimit(usual)
