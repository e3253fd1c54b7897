"""What the worker says of itself and of its onboarding, line by line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import base58

from integritee.boundary.messages import EnclaveIdentity, PhaseChanged, Provisioned
from integritee.crypto import ss58_encode

from .config import Config

Say: TypeAlias = Callable[[str], None]
"""Puts a line before people and scripts."""

PHASE_TEXT: Final = {
    "unfunded": "the enclave account needs funds",
    "registering": "registering the enclave",
    "claiming_shard": "registered; claiming the shard",
    "funding_vault": "shard claimed; funding its vault",
    "adding_vault_proxy": "vault funded; making the enclave its proxy",
    "awaiting_state": "others serve the shard; one of them has to provide keys and state",
    "catching_up": "fetching the sidechain blocks that were missed",
    "running": "onboarding complete; starting block production",
}

SUPERSEDED: Final = "superseded"
HALTED: Final = "halted:"


def introduce(say: Say, identity: EnclaveIdentity, config: Config) -> None:
    """Who the enclave is, and what makes this worker unfit for real money."""
    if identity.kind == "simulation":
        say("*** TEE simulation: no hardware protects this enclave. Development only. ***")
    if config.seal_to_signer:
        say("*** --seal-to-signer: any other code can open this enclave's state. Development only. ***")
    if config.skip_ra:
        say("*** --skip-ra: peers' attestation is not verified. ***")
    say(f"MRENCLAVE={base58.b58encode(identity.fingerprint).decode()}")
    say(f"MRENCLAVE (hex): 0x{identity.fingerprint.hex()}")
    say(f"Shard: {base58.b58encode(identity.shard).decode()}")
    say(f"Enclave account: {ss58_encode(identity.account)}")
    say(f"Shard vault: {ss58_encode(identity.vault)}")
    say(f"Shielding target: {identity.shielding_target.name}")
    say(f"[+] Trusted RPC listening on wss://{config.bind_host}:{identity.trusted_port}")


def phase(say: Say, change: PhaseChanged) -> None:
    """Onboarding on a chain moved on."""
    say(f"[{change.id.name}] {PHASE_TEXT.get(change.phase, change.phase)}")


def standstill(say: Say, phase: str) -> None:
    """Why no blocks are produced any more, if this phase is one without a way out."""
    if phase == SUPERSEDED:
        say("[!] the shard's configuration entitles other code: no more blocks from here")
        say("[!] a worker with that code takes over with `run --takeover-from` and the address of the MU-RA port")
    elif phase.startswith(HALTED):
        say(f"[!] the enclave has halted ({phase.removeprefix(HALTED)}): the log says why")


def provisioned(say: Say, found: Provisioned) -> None:
    """Keys and state of the shard are here."""
    size = f"{found.entries:,} entries, {found.state_bytes:,} bytes"
    say(f"[+] keys and state received: block {found.number}, {size}")
