"""Loads py-evm as the enclave does, before tests load parts of it themselves."""

from __future__ import annotations

import integritee.apps.evm.py_evm  # noqa: F401
