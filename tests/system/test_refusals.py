"""What goes wrong is answered with a stable code, told to nobody else, and harms nobody else.

Every case is played against one real worker. After each the same worker serves an honest client.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from integritee.client.answers import Reason
from integritee.client.jsonrpc import unverified_tls
from integritee.client.parentchain import ParentchainClient
from integritee.client.worker import GETTER, SUBMIT, WATCH, WorkerClient
from integritee.crypto import KeyPair, ShieldingKey, Sr25519Pair, ss58_decode
from integritee.enclave.selftest.damage import flipped
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import Id
from integritee.primitives.rpc import InSidechainBlock, RpcReturnValue, StatusError
from integritee.scale import decode, encode
from integritee.stf.operation import DirectCall, Get, Getter, Public, Trusted, TrustedCallSigned, TrustedOperation

from .processes import Node, Worker, soon
from .spellings import enclave_secrets, spellings

UNIT: Final = 10**12
DEPOSITOR: Final = Sr25519Pair.from_uri("//Bob")
PAYER: Final = Sr25519Pair.from_uri("//Payer")
"""Funded inside the ledger, so that nothing public names this account."""
POCKET: Final = Sr25519Pair.from_uri("//Pocket")
PAUPER: Final = Sr25519Pair.from_uri("//Pauper")
ELSEWHERE: Final = b"\x77" * 32
"""A shard, or a measurement, that is not this enclave's."""

SECRET_AMOUNT: Final = 123_456_789_012_345_678_901
"""No failing call may leave this number in a log, nor these accounts."""
SECRET_ACCOUNTS: Final = (PAUPER.public, POCKET.public, PAYER.public)

CASE_SECONDS: Final = 20


# -- an honest client --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def funded(node: Node, worker: Worker) -> Worker:
    """The worker, with funds of the payer in its ledger."""
    asyncio.run(_fund(node, worker))
    return worker


async def _fund(node: Node, worker: Worker) -> None:
    async with await ParentchainClient.connect(node.url) as chain, await WorkerClient.connect(worker.url) as client:
        vault = ss58_decode(worker.vault)[0]
        call = chain.call("Balances", "transfer_allow_death", {"dest": Id(vault), "value": 100 * UNIT})
        await chain.submit_and_watch(await chain.sign(call, DEPOSITOR))

        async def is_credited() -> bool:
            return (await client.account_info(DEPOSITOR)).data.free > 0

        await soon(is_credited, "the deposit's credit")
        await client.call("balance_transfer", DEPOSITOR.public, PAYER.public, 50 * UNIT, signer=DEPOSITOR)


@pytest.fixture
async def client(funded: Worker) -> AsyncIterator[WorkerClient]:
    async with await WorkerClient.connect(funded.url) as connected:
        yield connected


async def is_unimpaired(worker: Worker) -> None:
    """A newcomer is served: a getter, and a transfer into a block."""
    async with await WorkerClient.connect(worker.url) as newcomer:
        before = (await newcomer.account_info(POCKET)).data.free
        await newcomer.call("balance_transfer", PAYER.public, POCKET.public, 1000, signer=PAYER, timeout=10)
        assert (await newcomer.account_info(POCKET)).data.free == before + 1000


# -- refused operations ------------------------------------------------------------------------------


@dataclass
class Mischief:
    """Composes what a client should not send."""

    client: WorkerClient
    nonce: int

    async def call(
        self,
        *,
        ahead: int = 0,
        sender: bytes = PAYER.public,
        signer: KeyPair = PAYER,
        amount: int = SECRET_AMOUNT,
        mrenclave: bytes | None = None,
        shard: bytes | None = None,
    ) -> TrustedCallSigned:
        ledger = self.client.ledger
        call = ledger.call("balance_transfer", sender, PAUPER.public, amount)
        return ledger.sign_call(
            call,
            self.nonce + ahead,
            signer,
            mrenclave or await self.client.mrenclave(),
            shard or await self.client.shard(),
        )

    async def named(self, name: str, *args: Any, nonce: int | None = None) -> TrustedCallSigned:
        return await self.client.sign(name, *args, signer=PAYER, nonce=self.nonce if nonce is None else nonce)

    def encoded(self, operation: TrustedOperation) -> bytes:
        return bytes(self.client.ledger.codec(TrustedOperation).encode(operation))

    async def shielded(self, plain: bytes, key: ShieldingKey | None = None, shard: bytes | None = None) -> Request:
        public = key.public if key else await self.client.shielding_key()
        return Request(shard or await self.client.shard(), public.encrypt(plain))

    async def direct(self, signed: TrustedCallSigned, **options: Any) -> Request:
        return await self.shielded(self.encoded(DirectCall(signed)), **options)


async def stale_nonce(m: Mischief) -> Request:
    await m.client.call("noop", PAYER.public, signer=PAYER)
    return await m.direct(await m.call(ahead=0))


async def nonce_too_far(m: Mischief) -> Request:
    return await m.direct(await m.call(ahead=65))


async def wrong_signature(m: Mischief) -> Request:
    honest, forged = await m.call(), await m.call(signer=PAUPER)
    return await m.direct(TrustedCallSigned(honest.call, honest.nonce, None, forged.signature))


async def strangers_signature(m: Mischief) -> Request:
    return await m.direct(await m.call(signer=PAUPER))


async def foreign_mrenclave(m: Mischief) -> Request:
    return await m.direct(await m.call(mrenclave=ELSEWHERE))


async def signed_for_foreign_shard(m: Mischief) -> Request:
    return await m.direct(await m.call(shard=ELSEWHERE))


async def foreign_shard(m: Mischief) -> Request:
    return await m.direct(await m.call(), shard=ELSEWHERE)


async def unshield_from_foreign_shard(m: Mischief) -> Request:
    args = (PAYER.public, PAUPER.public, 10**10, ELSEWHERE)
    return await m.direct(await m.named("balance_unshield", *args))


async def amount_too_high(m: Mischief) -> Request:
    return await m.direct(await m.call())


async def no_funds_for_the_fee(m: Mischief) -> Request:
    call = m.client.ledger.call("noop", PAUPER.public)
    key = await m.client.mrenclave(), await m.client.shard()
    return await m.direct(m.client.ledger.sign_call(call, 0, PAUPER, *key))


async def unshield_too_much(m: Mischief) -> Request:
    args = (PAYER.public, PAUPER.public, SECRET_AMOUNT, await m.client.shard())
    return await m.direct(await m.named("balance_unshield", *args))


async def enclave_only(m: Mischief) -> Request:
    args = (PAYER.public, PAYER.public, SECRET_AMOUNT, 0)
    return await m.direct(await m.named("balance_shield", *args))


async def undecodable(m: Mischief) -> Request:
    return await m.shielded(b"\xff" * 200)


async def empty(m: Mischief) -> Request:
    return await m.shielded(b"")


async def truncated(m: Mischief) -> Request:
    return await m.shielded(m.encoded(DirectCall(await m.call()))[:-1])


async def trailing_byte(m: Mischief) -> Request:
    return await m.shielded(m.encoded(DirectCall(await m.call())) + b"\0")


async def getter_as_call(m: Mischief) -> Request:
    return await m.shielded(m.encoded(Get(Public(m.client.ledger.public_getter("some_value")))))


async def wrong_shielding_key(m: Mischief) -> Request:
    return await m.direct(await m.call(), key=ShieldingKey.generate())


async def plain_text(m: Mischief) -> Request:
    return Request(await m.client.shard(), m.encoded(DirectCall(await m.call())))


async def mangled_ciphertext(m: Mischief) -> Request:
    request = await m.direct(await m.call())
    return Request(request.shard, request.cyphertext[:-1])


async def flipped_ciphertext(m: Mischief) -> Request:
    request = await m.direct(await m.call())
    return Request(request.shard, flipped(request.cyphertext, 0))


OPERATIONS: Final[dict[Callable[[Mischief], Awaitable[Request]], str]] = {
    stale_nonce: "pool.stale_nonce",
    nonce_too_far: "pool.nonce_too_far",
    wrong_signature: "stf.invalid_signature",
    strangers_signature: "stf.missing_privileges",
    foreign_mrenclave: "stf.invalid_signature",
    signed_for_foreign_shard: "stf.invalid_signature",
    foreign_shard: "pool.invalid_shard",
    unshield_from_foreign_shard: "stf.wrong_shard",
    amount_too_high: "stf.missing_funds",
    no_funds_for_the_fee: "stf.missing_funds",
    unshield_too_much: "stf.missing_funds",
    enclave_only: "stf.require_enclave_signer",
    undecodable: "top.invalid_format",
    empty: "top.invalid_format",
    truncated: "top.invalid_format",
    trailing_byte: "top.invalid_format",
    getter_as_call: "rpc.unsupported_operation",
    wrong_shielding_key: "shielding.undecipherable",
    plain_text: "shielding.undecipherable",
    mangled_ciphertext: "shielding.undecipherable",
    flipped_ciphertext: "shielding.undecipherable",
}


async def mischief(client: WorkerClient) -> Mischief:
    return Mischief(client, await client.next_nonce(PAYER.public, PAYER))


async def verdict(client: WorkerClient, method: str, request: Request) -> str | None:
    """The code with which a request is refused, at once or by a later status; None if it succeeds."""
    answer = await client.rpc.exchange(method, ["0x" + encode(Request, request).hex()])
    reason = Reason.of(answer)
    if reason is not None:
        return reason.code
    if method != WATCH:
        return None
    messages = client.rpc.expect(answer["result"])
    async for update in messages:
        reason = Reason.of(update)
        if reason is not None:
            return reason.code
        if update["result"].startswith("0x0104"):
            return None
    raise AssertionError("the subscription ended")


@pytest.mark.timeout(CASE_SECONDS)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
async def test_an_operation_is_refused_with_a_code(
    operation: Callable[[Mischief], Awaitable[Request]], client: WorkerClient, funded: Worker
) -> None:
    request = await operation(await mischief(client))
    assert await verdict(client, WATCH, request) == OPERATIONS[operation]
    await is_unimpaired(funded)


async def test_an_unwatched_submission_is_refused_likewise(client: WorkerClient) -> None:
    assert await verdict(client, SUBMIT, await wrong_signature(await mischief(client))) == "stf.invalid_signature"


ORIGINAL_TEXTS: Final[dict[Callable[[Mischief], Awaitable[Request]], str]] = {
    foreign_shard: "Shard does not exist",
    wrong_shielding_key: "Trusted operation could not be deciphered",
    undecodable: "Trusted operation has invalid format",
}


@pytest.mark.parametrize("operation", ORIGINAL_TEXTS, ids=lambda operation: operation.__name__)
async def test_a_refusal_has_the_text_that_old_clients_know(
    operation: Callable[[Mischief], Awaitable[Request]], client: WorkerClient
) -> None:
    request = await operation(await mischief(client))
    answer = await client.rpc.exchange(WATCH, ["0x" + encode(Request, request).hex()])
    refusal = decode(RpcReturnValue, bytes.fromhex(answer["result"][2:]))
    assert refusal.status == StatusError()
    text = decode(str, refusal.value)
    assert text.startswith("Error { code: ServerError(100") and f'message: "{ORIGINAL_TEXTS[operation]}"' in text


async def test_a_gap_is_waited_for_and_filled(client: WorkerClient, funded: Worker) -> None:
    nonce = await client.next_nonce(PAYER.public, PAYER)
    transfer = ("balance_transfer", PAYER.public, POCKET.public, 1)
    first, second = [await client.sign(*transfer, signer=PAYER, nonce=n) for n in (nonce, nonce + 1)]
    async with client.watch(second) as later:
        assert type((await anext(later)).status).__name__ == "Future"
        async with client.watch(first) as earlier:
            done = [await watch.until(InSidechainBlock, 10) for watch in (earlier, later)]
    assert all(isinstance(updates[-1].status, InSidechainBlock) for updates in done)
    assert await client.next_nonce(PAYER.public, PAYER) == nonce + 2
    await is_unimpaired(funded)


# -- refused getters ---------------------------------------------------------------------------------


async def test_a_getter_with_anothers_signature_is_refused(client: WorkerClient, funded: Worker) -> None:
    honest = client.ledger.sign_getter(client.ledger.trusted_getter("account_info", PAYER.public), PAYER)
    forged = client.ledger.sign_getter(client.ledger.trusted_getter("account_info", PAYER.public), PAUPER)
    getter = Trusted(type(honest)(honest.getter, None, forged.signature))
    request = Request(await client.shard(), client.ledger.codec(Getter).encode(getter))
    assert await verdict(client, GETTER, request) == "stf.invalid_signature"
    await is_unimpaired(funded)


async def test_a_getter_that_is_none_is_refused(client: WorkerClient, funded: Worker) -> None:
    assert (await verdict(client, GETTER, Request(await client.shard(), b"\xee" * 9)) or "").startswith("scale.")
    await is_unimpaired(funded)


async def test_a_strangers_getter_is_not_answered(client: WorkerClient) -> None:
    getter = Trusted(client.ledger.sign_getter(client.ledger.trusted_getter("account_info", PAYER.public), PAUPER))
    request = Request(await client.shard(), client.ledger.codec(Getter).encode(getter))
    answer = await client.rpc.exchange(GETTER, ["0x" + encode(Request, request).hex()])
    assert answer["result"] == "0x0400" + "00" + "00", "Option::None, and nothing that tells whether there is money"


# -- refused messages --------------------------------------------------------------------------------


def rpc(method: str, *params: Any, **members: Any) -> str:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params} | members).decode()


MESSAGES: Final[dict[str, tuple[str, int, str]]] = {
    "no JSON": ("{" * 10, -32700, "rpc.parse_error"),
    "cut JSON": (rpc("author_getShard")[:-3], -32700, "rpc.parse_error"),
    "a number": ("7", -32700, "rpc.parse_error"),
    "deep JSON": ("[" * 100_000, -32700, "rpc.parse_error"),
    "no JSON-RPC": ('{"hello":1}', -32600, "rpc.invalid_request"),
    "no version": ('{"method":"author_getShard","params":[],"id":1}', -32600, "rpc.unsupported_version"),
    "unknown method": (rpc("author_getSecrets"), -32601, "rpc.method_not_found"),
    "huge batch": ("[" + ",".join([rpc("author_getShard")] * 65) + "]", -32600, "rpc.batch_too_large"),
    "1 MiB and more": (rpc(WATCH, "0x" + "ab" * 600_000), -32600, "rpc.message_too_large"),
}


@pytest.mark.timeout(CASE_SECONDS)
@pytest.mark.parametrize("name", MESSAGES)
async def test_a_message_is_refused_with_a_code(name: str, funded: Worker) -> None:
    message, number, code = MESSAGES[name]
    async with raw_socket(funded) as socket:
        await socket.send(message)
        answer = msgspec.json.decode(await socket.recv())
        assert (answer["error"]["code"], answer["reason"]["code"]) == (number, code)
        await socket.send(rpc("author_getShard"))
        assert "result" in msgspec.json.decode(await socket.recv()), "the connection stays usable"
    await is_unimpaired(funded)


PARAMETERS: Final[dict[str, tuple[list[Any], str]]] = {
    "no hex": (["0xzz"], "rpc.invalid_hex"),
    "odd hex": (["0x123"], "rpc.invalid_hex"),
    "no request": (["0x1234"], "rpc.undecodable_request"),
    "a number": ([7], "rpc.invalid_params"),
    "nothing": ([], "rpc.invalid_params"),
}


@pytest.mark.parametrize("method", [WATCH, SUBMIT, GETTER])
@pytest.mark.parametrize("name", PARAMETERS)
async def test_parameters_are_refused_with_a_code(name: str, method: str, client: WorkerClient) -> None:
    params, code = PARAMETERS[name]
    reason = Reason.of(await client.rpc.exchange(method, params))
    assert reason is not None and reason.code == code


def raw_socket(worker: Worker) -> connect:
    return connect(worker.url, ssl=unverified_tls(), server_hostname="", compression=None, max_size=None)


@pytest.mark.timeout(CASE_SECONDS)
@pytest.mark.parametrize("make", [lambda: "x" * 10_000_000, lambda: os.urandom(10_000_000)], ids=["text", "binary"])
async def test_ten_megabytes_of_garbage_close_the_connection(make: Callable[[], str | bytes], funded: Worker) -> None:
    async with raw_socket(funded) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            await socket.send(make())
            await socket.recv()
    assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
    await is_unimpaired(funded)


@pytest.mark.timeout(CASE_SECONDS)
async def test_garbage_instead_of_tls_is_cut_off(funded: Worker) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", funded.port)
    try:
        with pytest.raises(ConnectionError):
            for _ in range(10):
                writer.write(os.urandom(1_000_000))
                await writer.drain()
            await reader.read()
            raise ConnectionError("closed in an orderly way")
    finally:
        writer.close()
    await is_unimpaired(funded)


@pytest.mark.timeout(CASE_SECONDS)
async def test_garbage_inside_tls_is_cut_off(funded: Worker) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", funded.port, ssl=unverified_tls())
    try:
        writer.write(b"GET / HTTP/1.1\r\n" + os.urandom(50_000) + b"\r\n\r\n")
        answer = await reader.read()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    except (ConnectionError, ssl.SSLError):
        pass  # cut off without a word
    finally:
        writer.close()
    await is_unimpaired(funded)


@pytest.mark.timeout(CASE_SECONDS)
async def test_half_open_tls_keeps_nobody_out(funded: Worker) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", funded.port) for _ in range(200)]
    hello = bytes.fromhex("16030100c8010000c40303")  # the beginning of a ClientHello that never goes on
    for _, writer in silent[:100]:
        writer.write(hello)
    try:
        await is_unimpaired(funded)
    finally:
        for _, writer in silent:
            writer.close()
    await is_unimpaired(funded)


# -- nothing secret in the logs ----------------------------------------------------------------------


async def test_nothing_secret_is_logged(funded: Worker, directory: Path) -> None:
    """The worker of this module logs at level DEBUG; every failing call is sent to it once more, each on a connection
    of its own: one that sends garbage may do so only now and then."""
    for operation, code in OPERATIONS.items():
        async with await WorkerClient.connect(funded.url) as client:
            assert await verdict(client, WATCH, await operation(await mischief(client))) == code
    said = funded.log.read_bytes()
    assert b"DEBUG" in said, "the log would not show it"
    for name, secret in enclave_secrets(funded.data_dir, directory).items():
        for spelling in spellings(secret):
            assert spelling not in said, f"the {name} is in the log"
    for account in SECRET_ACCOUNTS:
        for spelling in spellings(account):
            assert spelling not in said, "an account of a failing call is in the log"
    for number in (str(SECRET_AMOUNT), hex(SECRET_AMOUNT), SECRET_AMOUNT.to_bytes(16, "little").hex()):
        assert number.encode() not in said, "an amount of a failing call is in the log"
