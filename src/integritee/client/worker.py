"""Client of a worker's enclave: queries, getters and trusted calls over one connection.

Calls and getters are those the ledger declares; nothing about them is repeated here. A call is signed, sealed
for the enclave and then watched through its statuses (recipe: worker `cli`, `core/rpc-client`). It is sealed in a
session where the worker offers that, else with the enclave's shielding key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Self
from weakref import WeakValueDictionary

from integritee.apps.catalog import client_ledger
from integritee.crypto import CryptoError, KeyPair, ShieldingPublicKey, ss58_encode
from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import AccountId, Balance, ParentchainId, ShardIdentifier
from integritee.primitives.rpc import InSidechainBlock, Submitted, TrustedOperationStatus
from integritee.primitives.session import SUBMIT_METHOD, WATCH_METHOD
from integritee.primitives.sidechain import SidechainHeader
from integritee.scale import Bytes32, ScaleError, codec
from integritee.scale.shape import Hint
from integritee.stf.declare import GetterDef
from integritee.stf.ledger import Ledger
from integritee.stf.operation import (
    DirectCall,
    Getter,
    IndirectCall,
    Public,
    Trusted,
    TrustedCallSigned,
    TrustedOperation,
)
from integritee.stf.types import ParentchainsInfo, ShardInfo

from .answers import StatusUpdate, read_top_hash, read_update, read_value
from .errors import MalformedAnswer, RequestTimeout, RpcError, UnknownName, ValueNotPresent
from .jsonrpc import Message, RpcConnection, Subscription
from .session import Envelope, SealedRequests

WATCH: Final = "author_submitAndWatchExtrinsic"
SUBMIT: Final = "author_submitExtrinsic"
GETTER: Final = "state_executeGetter"
NEXT_INDEX: Final = "system_accountNextIndex"
FORWARD_QUOTE: Final = "attesteer_forwardDcapQuote"
FORWARD_REPORT: Final = "attesteer_forwardIasAttestationReport"
"""Offered by workers of the original that are built as attesteers."""

METHOD_NOT_FOUND: Final = -32601

CALL_TIMEOUT: Final = 120.0
"""Seconds a call may take to reach the status that is waited for."""

_REQUEST: Final = codec(Request)


@dataclass(frozen=True)
class CallResult:
    """A trusted call that reached the status waited for, which is that of the last update."""

    top_hash: bytes
    nonce: int
    updates: tuple[StatusUpdate, ...]

    @property
    def status(self) -> TrustedOperationStatus:
        return self.updates[-1].status

    @property
    def block_hash(self) -> bytes | None:
        """Hash of the sidechain block with the call, if it is in one yet."""
        return self.status.block_hash if isinstance(self.status, InSidechainBlock) else None


class Watch:
    """An admitted operation on its way. Iterate over its statuses; the iteration ends after the last one."""

    def __init__(self, top_hash: bytes, messages: Subscription) -> None:
        self.top_hash = top_hash
        self._messages = messages
        self._is_over = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StatusUpdate:
        """Raises RequestRefused, MalformedAnswer, ConnectionFailed."""
        if self._is_over:
            raise StopAsyncIteration
        update = read_update(WATCH, await anext(self._messages))
        self._is_over = update.is_last
        return update

    async def until(
        self, wanted: type[TrustedOperationStatus], timeout: float = CALL_TIMEOUT
    ) -> tuple[StatusUpdate, ...]:
        """The updates up to status `wanted`, or to the success that came without it.

        Raises OperationCancelled, RequestTimeout, and what iterating raises.
        """
        updates: list[StatusUpdate] = []
        if wanted is Submitted:  # which is what its admission means
            return (StatusUpdate(Submitted()),)
        try:
            async with asyncio.timeout(timeout):
                async for update in self:
                    update.check(self.top_hash)
                    updates.append(update)
                    if isinstance(update.status, wanted):
                        break
        except TimeoutError:
            raise RequestTimeout(f"{wanted.__name__} of 0x{self.top_hash.hex()}", timeout) from None
        return tuple(updates)


class WorkerClient:
    """One connection to an enclave. Make it with `connect`; use as an async context manager.

    Requests may run concurrently. `mrenclave` and `shard` (32 bytes each) are asked of the worker where they
    are not given. `envelope` says how requests are sealed, `account` (32 bytes) which enclave has to sign for its
    sessions. All methods raise ConnectionFailed, RequestTimeout, RpcError, MalformedAnswer, RequestRefused with the
    worker's code where it says no, and UntrustedSession if they seal requests.
    """

    def __init__(
        self,
        rpc: RpcConnection,
        ledger: Ledger | None = None,
        mrenclave: bytes | None = None,
        shard: bytes | None = None,
        envelope: Envelope = "auto",
        account: bytes | None = None,
    ) -> None:
        self.rpc, self.ledger = rpc, ledger or client_ledger()
        self.sealed = SealedRequests(rpc, self._enclave, envelope, account)
        self._mrenclave, self._shard = mrenclave, shard
        self._shielding_key: ShieldingPublicKey | None = None
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        ledger: Ledger | None = None,
        mrenclave: bytes | None = None,
        shard: bytes | None = None,
        timeout: float = 10.0,
        envelope: Envelope = "auto",
        account: bytes | None = None,
    ) -> Self:
        """Connect to ``wss://host:port``. Raises ConnectionFailed."""
        return cls(await RpcConnection.open(url, timeout), ledger, mrenclave, shard, envelope, account)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.rpc.close()

    # -- queries -------------------------------------------------------------------------------------

    async def shielding_key(self) -> ShieldingPublicKey:
        """The enclave's RSA key, asked for once."""
        if self._shielding_key is None:
            method = "author_getShieldingKey"
            try:
                self._shielding_key = ShieldingPublicKey.from_json(await self._query(method, str))
            except CryptoError as unusable:
                raise MalformedAnswer(method, str(unusable)) from None
        return self._shielding_key

    async def fingerprint(self) -> bytes:
        """The enclave's MRENCLAVE as it says itself."""
        fingerprint: bytes = await self._query("author_getFingerprint", Bytes32)
        return fingerprint

    async def mrenclave(self) -> bytes:
        """The MRENCLAVE calls are signed for: the one given, else the enclave's, asked for once."""
        if self._mrenclave is None:
            self._mrenclave = await self.fingerprint()
        return self._mrenclave

    async def shard(self) -> bytes:
        """The shard requests go to: the one given, else the one the enclave serves, asked for once."""
        if self._shard is None:
            self._shard = await self.served_shard()
        return self._shard

    async def served_shard(self) -> bytes:
        """The shard the enclave serves; zeros while there is none."""
        shard: bytes = await self._query("author_getShard", ShardIdentifier)
        return shard

    async def shard_vault(self) -> tuple[bytes, ParentchainId]:
        """The vault's account and the parentchain it lives on."""
        vault: tuple[bytes, ParentchainId] = await self._query(
            "author_getShardVault", tuple[AccountId, ParentchainId]
        )
        return vault

    async def latest_header(self) -> SidechainHeader:
        """Header of the latest sidechain block; all zero before the first."""
        header: SidechainHeader = await self._query("chain_getHeader", SidechainHeader)
        return header

    async def version(self) -> str:
        """What the enclave runs, such as ``enclave-runtime: 0.1.0``."""
        return (await self._value("system_version", [])).decode(errors="replace")

    async def metadata(self) -> bytes:
        """Metadata of the ledger's runtime, for `RuntimeMetadata.parse`."""
        return await self._value("state_getMetadata", [])

    async def untrusted_url(self) -> str:
        """Where peers fetch sidechain blocks."""
        url: str = await self._query("author_getUntrustedUrl", str)
        return url

    # -- getters -------------------------------------------------------------------------------------

    async def get(self, name: str, *args: Any, signer: KeyPair | None = None) -> Any:
        """Value of a declared getter. A trusted one needs a `signer`: its subject, or the subject's delegate.

        Raises UnknownName, and ValueNotPresent if the signer lacks the right or there is no value.
        """
        if signer is None:
            definition, getter = self._public_getter(name, args)
        else:
            definition, getter = self._trusted_getter(name, args, signer)
        value = self._decode(GETTER, bytes | None, read_value(GETTER, await self._asked(getter)))
        if value is None:
            raise ValueNotPresent(name)
        try:
            return self.ledger.decode_answer(definition, value)
        except ScaleError as broken:
            raise MalformedAnswer(GETTER, str(broken)) from None

    async def _asked(self, getter: Getter) -> Message:
        plain = self.ledger.codec(Getter).encode(getter)
        answer = await self.sealed.getter(plain)
        if answer is None:
            request = Request(await self.shard(), plain)
            answer = await self.rpc.exchange(GETTER, [_hex(_REQUEST.encode(request))])
        return answer

    def _public_getter(self, name: str, args: tuple[Any, ...]) -> tuple[GetterDef, Getter]:
        try:
            getter = self.ledger.public_getter(name, *args)
        except KeyError:
            raise UnknownName("public getter", name) from None
        return getter.definition, Public(getter)

    def _trusted_getter(self, name: str, args: tuple[Any, ...], signer: KeyPair) -> tuple[GetterDef, Getter]:
        try:
            getter = self.ledger.trusted_getter(name, *args)
        except KeyError:
            raise UnknownName("trusted getter", name) from None
        return getter.definition, Trusted(self.ledger.sign_getter(getter, signer))

    async def account_info(self, signer: KeyPair, account: bytes | None = None) -> AccountInfo:
        """Nonce and funds of the signer's account, or of `account` whose delegate the signer is."""
        info: AccountInfo = await self.get("account_info", account or signer.public, signer=signer)
        return info

    async def total_issuance(self) -> int:
        """Base units in the ledger."""
        total: Balance = await self.get("total_issuance")
        return total

    async def parentchains_info(self) -> ParentchainsInfo:
        info: ParentchainsInfo = await self.get("parentchains_info")
        return info

    async def shard_info(self) -> ShardInfo:
        info: ShardInfo = await self.get("shard_info")
        return info

    # -- calls ---------------------------------------------------------------------------------------

    async def next_nonce(self, account: bytes, signer: KeyPair) -> int:
        """Nonce of the account's next call, pending ones counted.

        From a worker that cannot count these, the account's nonce in the ledger's state.
        """
        try:
            nonce = await self.rpc.request(NEXT_INDEX, [ss58_encode(account)])
        except RpcError as unknown:
            if unknown.rpc_code != METHOD_NOT_FOUND:
                raise
            return (await self.account_info(signer, account)).nonce
        if not isinstance(nonce, int):
            raise MalformedAnswer(NEXT_INDEX, "no number")
        return nonce

    async def sign(self, name: str, *args: Any, signer: KeyPair, nonce: int) -> TrustedCallSigned:
        """A declared call, signed for this enclave and shard by its sender or by the sender's delegate.

        Raises UnknownName.
        """
        try:
            call = self.ledger.call(name, *args)
        except KeyError:
            raise UnknownName("trusted call", name) from None
        return self.ledger.sign_call(call, nonce, signer, await self.mrenclave(), await self.shard())

    async def shielded(self, operation: TrustedOperation) -> Request:
        """An operation as only the enclave can read it."""
        key = await self.shielding_key()
        return Request(await self.shard(), key.encrypt(self.ledger.codec(TrustedOperation).encode(operation)))

    async def invocation(self, signed: TrustedCallSigned) -> Request:
        """A signed call in the form that travels through the parentchain."""
        return await self.shielded(IndirectCall(signed))

    async def submit(self, signed: TrustedCallSigned) -> bytes:
        """Hand a call to the enclave without watching it; its hash (32 bytes)."""
        return read_value(SUBMIT, await self._submitted(DirectCall(signed), SUBMIT, SUBMIT_METHOD))

    async def _submitted(self, operation: TrustedOperation, method: str, in_session: str) -> Message:
        answer = await self.sealed.call(in_session, self.ledger.codec(TrustedOperation).encode(operation))
        if answer is None:
            request = await self.shielded(operation)
            answer = await self.rpc.exchange(method, [_hex(_REQUEST.encode(request))])
        return answer

    async def _enclave(self) -> tuple[ShieldingPublicKey, bytes, bytes]:
        return await self.shielding_key(), await self.mrenclave(), await self.shard()

    @asynccontextmanager
    async def watch(self, signed: TrustedCallSigned) -> AsyncIterator[Watch]:
        """Hand a call to the enclave and hear of its statuses for the length of a block."""
        operation = DirectCall(signed)
        top_hash = self.ledger.top_hash(operation)
        messages = self.rpc.expect(_hex(top_hash))
        try:
            answer = await self._submitted(operation, WATCH, WATCH_METHOD)
            if read_top_hash(WATCH, answer) != top_hash:
                raise MalformedAnswer(WATCH, "the hash is another operation's")
            yield Watch(top_hash, messages)
        finally:
            self.rpc.forget(messages)

    async def call(
        self,
        name: str,
        *args: Any,
        signer: KeyPair,
        nonce: int | None = None,
        until: type[TrustedOperationStatus] = InSidechainBlock,
        timeout: float = CALL_TIMEOUT,
    ) -> CallResult:
        """Sign and submit a declared call, and wait for a status.

        Calls of the same account may be made concurrently. Without a `nonce` each waits for the one before to be
        admitted and takes the next one.
        Raises OperationCancelled if the call ends without success, UnknownName.
        """
        sender: bytes = args[0] if args else signer.public
        turn = self._turns.setdefault(sender, asyncio.Lock()) if nonce is None else nullcontext()
        async with AsyncExitStack() as stack:
            async with turn:
                chosen = await self.next_nonce(sender, signer) if nonce is None else nonce
                signed = await self.sign(name, *args, signer=signer, nonce=chosen)
                watch = await stack.enter_async_context(self.watch(signed))
            return CallResult(watch.top_hash, chosen, await watch.until(until, timeout))

    # -- evidence of others --------------------------------------------------------------------------

    async def forward_dcap_quote(self, quote: bytes) -> bytes:
        """Have the worker register the enclave of a quote; the extrinsic it sent. Raises RequestRefused."""
        return await self._value(FORWARD_QUOTE, [_hex(quote)])

    async def forward_ias_report(self, certificate: bytes) -> bytes:
        """As `forward_dcap_quote`, of a certificate with a report of Intel's Attestation Service."""
        return await self._value(FORWARD_REPORT, [_hex(certificate)])

    # -- answers -------------------------------------------------------------------------------------

    async def _query(self, method: str, hint: Hint) -> Any:
        return self._decode(method, hint, await self._value(method, []))

    async def _value(self, method: str, params: list[Any]) -> bytes:
        return read_value(method, await self.rpc.exchange(method, params))

    def _decode(self, method: str, hint: Hint, value: bytes) -> Any:
        try:
            return self.ledger.codec(hint).decode(value)
        except ScaleError as broken:
            raise MalformedAnswer(method, str(broken)) from None


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
