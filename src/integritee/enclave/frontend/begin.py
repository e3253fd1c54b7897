"""What a front end is told before it serves."""

from __future__ import annotations

import msgspec

from integritee.primitives.ids import ShardIdentifier


class Facts(msgspec.Struct, frozen=True):
    """What an enclave says of itself, as `Backend` describes it; unchanging once it serves."""

    shard: ShardIdentifier
    fingerprint: bytes
    mu_ra_url: str
    untrusted_url: str
    stf_metadata: bytes
    version: str


class Begin(msgspec.Struct, frozen=True):
    """All that a front end needs to serve. The keys are secret. `now` in Unix ms."""

    facts: Facts
    apps: list[str]
    """Of the ledger, as in `LedgerConfig`; and whether it is for development."""
    development: bool
    shielding_key: bytes
    """`ShieldingKey.private_json`."""
    seed: bytes
    """Of the enclave's account, whose key the TLS certificate has, too; 32 bytes."""
    host: str
    port: int
    """To listen at; 0 for any that is free."""
    connections: int
    """Clients served at the same time."""
    now: int

    def __repr__(self) -> str:
        return f"Begin({self.facts!r})"
