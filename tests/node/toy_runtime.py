"""A runtime as small as the node's tests allow: accounts, transfers, timestamp, authorities, one panic.

An extrinsic is a length-prefixed Call; signatures are replaced by a flag.
"""

from __future__ import annotations

from typing import ClassVar

from integritee.crypto import Ed25519Pair, Sr25519Pair, blake2_64
from integritee.frame.overlay import Overlay
from integritee.frame.validity import (
    BadProof,
    CannotLookup,
    ExhaustsResources,
    Future,
    Invalid,
    InvalidTransaction,
    MandatoryValidation,
    Payment,
    Stale,
    TransactionValidity,
    TransactionValidityError,
    Unknown,
    ValidTransaction,
)
from integritee.node.block import encode_body
from integritee.node.errors import BadRuntimeInput, RuntimeApiMissing, RuntimePanic
from integritee.node.runtime_api import RuntimeVersion
from integritee.primitives.grandpa import Authority, ConsensusLog, ScheduledChange
from integritee.primitives.header import GRANDPA_ENGINE, Consensus, Digest, Header, aura_slot
from integritee.primitives.storage import storage_prefix
from integritee.scale import (
    Bytes8,
    Bytes32,
    Enum,
    Err,
    Ok,
    Struct,
    decode,
    decode_compact,
    encode,
    encode_compact,
    u8,
    u32,
    u64,
    u128,
)
from integritee.scale.errors import DecodeError

SLOT_MS = 6000
LONGEVITY = 64
TRANSFERS_PER_BLOCK = 10

NOW = storage_prefix("Timestamp", "Now")
HEADER, SLOT, WEIGHT = b":header", b":slot", b":weight"
GRANDPA, SET_ID, LOGS = b":grandpa", b":set_id", b":logs"


class Account(Struct, frozen=True):
    nonce: u32 = 0
    free: u128 = 0


class Call(Enum, frozen=True): ...


class SetTime(Call, frozen=True):
    index: ClassVar[int] = 0
    now: u64


class Transfer(Call, frozen=True):
    """Moves `amount`; pays 1 + `tip`. `proof` 0 is good, 1 bad, 2 unknowable. `last_block` 0 is immortal."""

    index: ClassVar[int] = 1
    sender: Bytes32
    nonce: u32
    to: Bytes32
    amount: u128
    tip: u64 = 0
    last_block: u32 = 0
    proof: u8 = 0


class SetGrandpa(Call, frozen=True):
    """Replaces the GRANDPA authorities at the end of this block. Anybody may, once."""

    index: ClassVar[int] = 2
    authorities: list[Authority]
    set_id: u64


class Panic(Call, frozen=True):
    """Looks valid, aborts the runtime."""

    index: ClassVar[int] = 3
    number: u32


class Tagged(Call, frozen=True):
    """Valid with exactly these tags; included without effect."""

    index: ClassVar[int] = 4
    requires: list[bytes]
    provides: list[bytes]
    priority: u64


ALICE = Sr25519Pair.from_uri("//Alice").public
BOB = Sr25519Pair.from_uri("//Bob").public
CHARLIE = Sr25519Pair.from_uri("//Charlie").public
ALICE_GRANDPA = Ed25519Pair.from_uri("//Alice").public

VERSION = RuntimeVersion("toy", "toy", 1, 7, 1, [(blake2_64(b"Core"), 5)], 1, 0)


def xt(call: Call) -> bytes:
    """The extrinsic of a call."""
    inner = encode(Call, call)
    return encode_compact(len(inner)) + inner


def transfer(sender: bytes, nonce: int, **facts: int) -> bytes:
    return xt(Transfer(sender, nonce, CHARLIE, facts.pop("amount", 10), **facts))


def account_key(account: bytes) -> bytes:
    return b":account" + account


def genesis(grandpa: tuple[bytes, ...] = (ALICE_GRANDPA,), aura: tuple[bytes, ...] = (ALICE,)) -> dict[bytes, bytes]:
    return {
        b":code": b"toy",
        b":aura": encode(list[Bytes32], list(aura)),
        GRANDPA: encode(list[Authority], [(key, 1) for key in grandpa]),
        SET_ID: encode(u64, 0),
        account_key(ALICE): encode(Account, Account(0, 10**6)),
        account_key(BOB): encode(Account, Account(0, 10**6)),
    }


class ToyEngine:
    """Implements `integritee.node.engine.RuntimeEngine`."""

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        function = getattr(self, name, None)
        if function is None:
            raise RuntimeApiMissing(name)
        try:
            result: bytes = function(overlay, args)
        except DecodeError as error:
            raise BadRuntimeInput(name, str(error)) from None
        return result

    def Core_version(self, state: Overlay, args: bytes) -> bytes:
        return encode(RuntimeVersion, VERSION)

    def Core_initialize_block(self, state: Overlay, args: bytes) -> bytes:
        header = decode(Header, args)
        slot, last = aura_slot(header), _integer(state, SLOT)
        if slot is None or slot < last:
            raise RuntimePanic("Core_initialize_block", f"slot {slot} after {last}")
        state.put(SLOT, slot.to_bytes(8, "little"))
        state.put(HEADER, args)
        state.put(WEIGHT, b"")
        state.put(LOGS, b"")
        return b"\0"

    def BlockBuilder_inherent_extrinsics(self, state: Overlay, args: bytes) -> bytes:
        data = dict(decode(list[tuple[Bytes8, bytes]], args))
        return encode_body([xt(SetTime(int.from_bytes(data[b"timstap0"], "little")))])

    def BlockBuilder_apply_extrinsic(self, state: Overlay, args: bytes) -> bytes:
        match _call(args):
            case SetTime(now=now):
                if now <= _integer(state, NOW):
                    return b"\x01" + encode(TransactionValidityError, Invalid(Stale()))
                state.put(NOW, now.to_bytes(8, "little"))
            case Transfer() as call:
                return self._transfer(state, call)
            case SetGrandpa(authorities=authorities, set_id=set_id):
                state.put(GRANDPA, encode(list[Authority], authorities))
                state.put(SET_ID, encode(u64, set_id))
                state.put(LOGS, encode(ConsensusLog, ScheduledChange(authorities, 0)))
            case Panic():
                state.put(b":panicked", b"yes")
                raise RuntimePanic("BlockBuilder_apply_extrinsic", "told to")
        return b"\0\0"

    def _transfer(self, state: Overlay, call: Transfer) -> bytes:
        used = len(state.get(WEIGHT) or b"")
        error = _validity(state, call, decode(Header, state.get(HEADER) or b"").number)
        account = _account(state, call.sender)
        if error is None and call.nonce > account.nonce:
            error = Invalid(Future())
        if error is None and used + 1 + call.tip // 1000 > TRANSFERS_PER_BLOCK:
            error = Invalid(ExhaustsResources())
        if error is not None:
            state.put(b":refused", b"leaves a trace that must not stay")
            return b"\x01" + encode(TransactionValidityError, error)
        state.put(WEIGHT, bytes(used + 1 + call.tip // 1000))
        free = account.free - 1 - call.tip
        failed = call.amount > free
        _put_account(state, call.sender, Account(account.nonce + 1, free if failed else free - call.amount))
        if failed:
            return b"\0\x01\x07\0"  # DispatchError::Token(FundsUnavailable)
        to = _account(state, call.to)
        _put_account(state, call.to, Account(to.nonce, to.free + call.amount))
        return b"\0\0"

    def BlockBuilder_finalize_block(self, state: Overlay, args: bytes) -> bytes:
        opened = decode(Header, state.get(HEADER) or b"")
        log = state.get(LOGS)
        items = [Consensus(GRANDPA_ENGINE, log)] if log else []
        state.remove(WEIGHT)
        state.remove(LOGS)
        digest = Digest([*opened.digest.logs, *items])
        return Header(opened.parent_hash, opened.number, bytes(32), bytes(32), digest).encoded()

    def TaggedTransactionQueue_validate_transaction(self, state: Overlay, args: bytes) -> bytes:
        call = _call(args[1:-32])
        parent = state.get(HEADER)
        number = (decode(Header, parent).number if parent else 0) + 1
        return encode(TransactionValidity, _verdict(state, call, number))

    def AccountNonceApi_account_nonce(self, state: Overlay, args: bytes) -> bytes:
        return encode(u32, _account(state, args).nonce)

    def AuraApi_slot_duration(self, state: Overlay, args: bytes) -> bytes:
        return encode(u64, SLOT_MS)

    def AuraApi_authorities(self, state: Overlay, args: bytes) -> bytes:
        return state.get(b":aura") or b"\0"

    def GrandpaApi_grandpa_authorities(self, state: Overlay, args: bytes) -> bytes:
        return state.get(GRANDPA) or b"\0"

    def GrandpaApi_current_set_id(self, state: Overlay, args: bytes) -> bytes:
        return state.get(SET_ID) or bytes(8)


def _call(extrinsic: bytes) -> Call:
    length, start = decode_compact(extrinsic)
    call: Call = decode(Call, extrinsic[start : start + length])
    return call


def _verdict(state: Overlay, call: Call, number: int) -> Ok[ValidTransaction] | Err[TransactionValidityError]:
    match call:
        case Transfer():
            error = _validity(state, call, number)
            if error is not None:
                return Err(error)
            ahead = call.nonce > _account(state, call.sender).nonce
            requires = [nonce_tag(call.sender, call.nonce - 1)] if ahead else []
            longevity = call.last_block - number if call.last_block else LONGEVITY
            return Ok(ValidTransaction(call.tip, requires, [nonce_tag(call.sender, call.nonce)], longevity, True))
        case Panic(number=tag):
            return Ok(ValidTransaction(0, [], [b"panic" + bytes([tag])], LONGEVITY, True))
        case Tagged(requires=requires, provides=provides, priority=priority):
            return Ok(ValidTransaction(priority, requires, provides, LONGEVITY, True))
        case SetGrandpa(set_id=set_id):
            if set_id <= _integer(state, SET_ID):
                return Err(Invalid(Stale()))
            return Ok(ValidTransaction(0, [], [b"set" + bytes([set_id])], LONGEVITY, True))
    return Err(Invalid(MandatoryValidation()))


def _validity(state: Overlay, call: Transfer, number: int) -> TransactionValidityError | None:
    account = _account(state, call.sender)
    wrong: InvalidTransaction | None = None
    if call.proof == 2:
        return Unknown(CannotLookup())
    if call.proof == 1 or (call.last_block and number > call.last_block):
        wrong = BadProof()
    elif account == Account():
        wrong = Payment()
    elif call.nonce < account.nonce:
        wrong = Stale()
    elif account.free < call.tip + 1:
        wrong = Payment()
    return Invalid(wrong) if wrong else None


def nonce_tag(account: bytes, nonce: int) -> bytes:
    return account + nonce.to_bytes(4, "little")


def _account(state: Overlay, account: bytes) -> Account:
    data = state.get(account_key(account))
    return decode(Account, data) if data else Account()


def _put_account(state: Overlay, account: bytes, value: Account) -> None:
    state.put(account_key(account), encode(Account, value))


def _integer(state: Overlay, key: bytes) -> int:
    return int.from_bytes(state.get(key) or b"", "little")
