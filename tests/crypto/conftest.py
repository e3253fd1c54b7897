"""The golden vectors that the crypto tests share."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import settings

# No verdict may depend on how busy the machine is.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(scope="session")
def vectors() -> dict[str, Any]:
    """`js-types.json`, made by the JS clients."""
    path = Path(__file__).parents[1] / "vectors" / "js-types.json"
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


@pytest.fixture(scope="session")
def jwk_numbers(vectors: dict[str, Any]) -> rsa.RSAPrivateNumbers:
    """The shielding key of the vectors, read from its big-endian JWK."""
    jwk = vectors["shielding"]["jwk_private"]
    n, e, d, p, q, dp, dq, qi = (_integer(jwk[name]) for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi"))
    return rsa.RSAPrivateNumbers(p, q, d, dp, dq, qi, rsa.RSAPublicNumbers(e, n))


def _integer(base64url: str) -> int:
    return int.from_bytes(urlsafe_b64decode(base64url + "=" * (-len(base64url) % 4)), "big")
