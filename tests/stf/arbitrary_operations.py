"""Arbitrary trusted calls and getters of a ledger, as whoever may have signed them, at any state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from integritee.apps.evm.addresses import evm_address, mapped_account
from integritee.crypto import KeyPair
from integritee.enclave.selftest.damage import flipped
from integritee.primitives.signature import Ecdsa, Ed25519, MultiSignature, sign
from integritee.stf.declare import Authority, GetterDef, TrustedCallDef
from integritee.stf.ledger import Ledger
from integritee.stf.operation import (
    PublicGetter,
    TrustedCall,
    TrustedCallSigned,
    TrustedGetter,
    TrustedGetterSigned,
)
from integritee.stf.runtime import EXISTENTIAL_DEPOSIT, MAINTAINER, LedgerRuntime
from integritee.stf.types import TransferAllowance

from . import arbitrary_encointer as encointer
from .arbitrary import Arbitrary
from .cast import KEYS, USERS
from .kit import ALICE, ENCLAVE, MRENCLAVE, SHARD
from .tally import PUBLIC

NOT_SIGNED: Final = Ed25519(bytes(64))
"""Stands where a signature was checked before."""

HAS_CEREMONIES: Final = "EncointerCeremonies"
OFTEN: Final = ("add_session_proxy", "mint", "redeem", "register_participant", "register_attestations")
"""Calls that make others possible, or that others must make possible first."""

MAX_NONCE: Final = (1 << 32) - 1

SENDERS: Final = {
    Authority.ENCLAVE: ENCLAVE.public,
    Authority.MAINTAINER: MAINTAINER,
    Authority.ROOT: ALICE.public,
}


@dataclass(frozen=True)
class Submission:
    """A call, and what its signature is: genuine, forged, or checked before (None)."""

    signed: TrustedCallSigned
    genuine: bool | None


# -- calls -------------------------------------------------------------------------------------------


def weighted(ledger: Ledger) -> tuple[TrustedCallDef, ...]:
    """All calls of a ledger; those that need another one to have gone well before count thrice."""
    return tuple(d for d in ledger.calls.values() for _ in range(3 if d.spends or d.name in OFTEN else 1))


def arbitrary_call(draw: Arbitrary, runtime: LedgerRuntime, definitions: Sequence[TrustedCallDef]) -> TrustedCall:
    """Any of the calls, mostly by somebody who may make it."""
    definition = draw.choice(definitions)
    sender = SENDERS.get(definition.authority)
    if sender is None or draw.chance(8):
        sender = draw.choice(USERS)
    _know(draw, runtime, sender)
    return TrustedCall(definition, draw.arguments(definition.arguments))


def _know(draw: Arbitrary, runtime: LedgerRuntime, sender: bytes) -> None:
    """Let arguments lean towards what matters to the sender."""
    facts, offered = draw.facts, runtime.chain_spec().assets
    facts.sender = sender
    facts.amounts = tuple(_amounts(runtime, sender))
    facts.assets = tuple(asset for asset, _ in runtime.assets.balances_of(sender, offered)) or offered
    proxies = runtime.session_proxy.session_proxies.items_under(sender)
    facts.proxies = tuple(who for who, _ in proxies if who in KEYS)
    facts.named = encointer.draws(runtime) if HAS_CEREMONIES in runtime.pallets else {}
    facts.related = (*facts.proxies, mapped_account(evm_address(sender)))


def _amounts(runtime: LedgerRuntime, who: bytes) -> Iterator[int]:
    """What an account could spend to the last unit: of native funds after fees, of assets, in the EVM."""
    spec, free = runtime.chain_spec(), runtime.balances.free(who)
    fee = spec.one // 100
    yield from (
        free,
        free - fee,
        free - fee - EXISTENTIAL_DEPOSIT,
        free - 3 * fee,
        free - 3 * fee - EXISTENTIAL_DEPOSIT,
    )
    yield runtime.balances.free(mapped_account(evm_address(who)))
    for _, held in runtime.assets.balances_of(who, spec.assets):
        yield from (held, held - EXISTENTIAL_DEPOSIT)


def arbitrary_submission(draw: Arbitrary, ledger: Ledger, runtime: LedgerRuntime, call: TrustedCall) -> Submission:
    """The call with nonce, signer and signature, each of which may be wrong."""
    nonce = runtime.system.nonce(call.sender)
    if draw.chance(3):
        nonce = draw.choice((max(nonce - 1, 0), nonce + 1, 0, MAX_NONCE))
    delegate = _delegate(draw, 30, 2, fit=_fit(runtime, call, draw.facts.now))
    if draw.chance(4):
        return _signed(draw, ledger, TrustedCallSigned(call, nonce, delegate, NOT_SIGNED))
    return Submission(TrustedCallSigned(call, nonce, delegate, NOT_SIGNED), None)


def _fit(runtime: LedgerRuntime, call: TrustedCall, now: int) -> tuple[bytes, ...]:
    """Session proxies of the sender that may make the call, as far as their role and the time go."""
    roles, is_spending = call.definition.roles, call.definition.spends is not None
    return tuple(
        who
        for who, entry in runtime.session_proxy.session_proxies.items_under(call.sender)
        if who in KEYS
        and entry is not None
        and (entry[0].expiry is None or now < entry[0].expiry)
        and (type(entry[0].role) in roles or (is_spending and isinstance(entry[0].role, TransferAllowance)))
    )


def _delegate(draw: Arbitrary, percent: int, strangers: int, fit: Sequence[bytes] = ()) -> bytes | None:
    """Who acts for the sender, if anybody: one of its session proxies, mostly one of the `fit`, or somebody else.

    Chances in percent.
    """
    if draw.facts.proxies and draw.chance(percent):
        return draw.choice(fit if fit and draw.chance(70) else draw.facts.proxies)
    return draw.choice(USERS) if draw.chance(strangers) else None


def _signed(draw: Arbitrary, ledger: Ledger, unsigned: TrustedCallSigned) -> Submission:
    pair = KEYS.get(unsigned.signer)
    payload = ledger.call_payload(unsigned.call, unsigned.nonce, MRENCLAVE, SHARD)
    genuine = pair is not None and draw.chance(50)
    signature = sign(pair, payload) if genuine and pair else _forged(draw, unsigned.signer, payload)
    return Submission(TrustedCallSigned(unsigned.call, unsigned.nonce, unsigned.delegate, signature), genuine)


def _forged(draw: Arbitrary, signer: bytes, payload: bytes) -> MultiSignature:
    """Somebody else's signature, the signer's of something else, or none at all."""
    others: list[KeyPair] = [pair for account, pair in KEYS.items() if account != signer]
    own = KEYS.get(signer)
    match draw.random.randrange(4):
        case 0:
            return sign(draw.choice(others), payload)
        case 1 if own is not None:
            return sign(own, flipped(payload, -1))
        case 2:
            return Ecdsa(bytes(65))
    return NOT_SIGNED


# -- getters -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """A getter, who asks, and whether a trusted one's signature is genuine. `label` for the `Tally`."""

    label: str
    getter: PublicGetter | TrustedGetterSigned
    genuine: bool

    @property
    def definition(self) -> GetterDef:
        asked = self.getter
        return asked.definition if isinstance(asked, PublicGetter) else asked.getter.definition


def arbitrary_question(draw: Arbitrary, ledger: Ledger, runtime: LedgerRuntime) -> Question:
    """Any getter the ledger declares, asked by the account itself, by session proxies and by strangers."""
    definitions: tuple[GetterDef, ...] = (*ledger.trusted_getters.values(), *ledger.public_getters.values())
    definition = draw.choice(definitions)
    name = ledger.names[definition]
    if ledger.public_getters.get(name) is definition:
        return Question(
            PUBLIC + name, PublicGetter(definition, tuple(map(draw.argument, definition.arguments))), True
        )
    account = draw.choice(USERS)
    _know(draw, runtime, account)
    getter = TrustedGetter(definition, draw.arguments(definition.arguments))
    delegate = _delegate(draw, 60, 15)
    payload = ledger.codec(TrustedGetter).encode(getter)
    signer = account if delegate is None else delegate
    genuine = draw.chance(95)
    signature = sign(KEYS[signer], payload) if genuine else _forged(draw, signer, payload)
    return Question(name, TrustedGetterSigned(getter, delegate, signature), genuine)
