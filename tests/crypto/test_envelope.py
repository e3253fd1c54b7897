"""Messages to the holder of a key, and from one."""

from __future__ import annotations

import pytest

from integritee.crypto import envelope_open, envelope_public, envelope_seal
from integritee.crypto.errors import AeadTampered, CryptoError
from integritee.enclave.selftest.damage import flipped

ANN, BEN, EVE = (bytes((n,)) * 32 for n in (1, 2, 3))


def drawn(length: int) -> bytes:
    return bytes(range(length))


def sealed(sender: bytes | None = ANN) -> bytes:
    return envelope_seal(envelope_public(BEN), b"secret", b"context", drawn, sender)


def test_both_modes_and_their_length() -> None:
    assert envelope_open(BEN, sealed(None), b"context") == b"secret"
    assert envelope_open(BEN, sealed(), b"context", envelope_public(ANN)) == b"secret"
    assert len(sealed()) == len(sealed(None)) == 32 + len(b"secret") + 16
    assert sealed(None)[:32] == sealed()[:32] == envelope_public(drawn(32))
    assert b"secret" not in sealed(None) + sealed()


ATTACKS = {
    "another recipient": (EVE, sealed(), b"context", envelope_public(ANN)),
    "another context": (BEN, sealed(), b"contexts", envelope_public(ANN)),
    "another sender": (BEN, sealed(), b"context", envelope_public(EVE)),
    "no sender asked for": (BEN, sealed(), b"context", None),
    "a sender asked for": (BEN, sealed(None), b"context", envelope_public(ANN)),
    "altered": (BEN, flipped(sealed(), -1), b"context", envelope_public(ANN)),
    "another ephemeral key": (BEN, envelope_public(EVE) + sealed()[32:], b"context", envelope_public(ANN)),
    "a point of small order": (BEN, bytes(32) + sealed()[32:], b"context", envelope_public(ANN)),
    "cut off": (BEN, sealed()[:47], b"context", envelope_public(ANN)),
}


@pytest.mark.parametrize("what", ATTACKS)
def test_attacks(what: str) -> None:
    with pytest.raises(AeadTampered):
        envelope_open(*ATTACKS[what])


@pytest.mark.parametrize("recipient", [bytes(32), b"\1" + bytes(31), b"short"])
def test_what_is_no_key(recipient: bytes) -> None:
    with pytest.raises(CryptoError):
        envelope_seal(recipient, b"secret", b"context", drawn)
