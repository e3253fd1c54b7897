from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

import pytest

from integritee.crypto import ShieldingKey
from integritee.enclave import bootstrap
from integritee.enclave.selftest.primitives import golden_shielding_key

checked_key = cache(ShieldingKey.from_private_json)


def measure(apps: Iterable[str], config: bytes) -> bytes:
    """As different as configurations are, and not changed by who edits a file meanwhile."""
    return hashlib.sha256(b"the code" + config).digest()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are not made anew."""
    golden = golden_shielding_key()
    monkeypatch.setattr(ShieldingKey, "generate", staticmethod(lambda: golden))
    monkeypatch.setattr(ShieldingKey, "from_private_json", staticmethod(checked_key))
    monkeypatch.setattr(bootstrap, "measure", measure)
