"""Loads py-evm and undoes what that does to the process: with py_ecc, Python's recursion limit becomes 100,000.

Behind such a limit, parsers of hostile input overflow the C stack before Python notices. To be imported before
anything of py-evm.
"""

from __future__ import annotations

import sys

_usual = sys.getrecursionlimit()

import eth  # noqa: E402, F401
import py_ecc  # noqa: E402, F401

sys.setrecursionlimit(_usual)
