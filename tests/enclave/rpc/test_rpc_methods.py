"""Every method against a fake enclave: results byte for byte, and what failures look like."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import base58
import pytest

from integritee.crypto import Ed25519Pair, ss58_encode
from integritee.crypto.errors import InvalidCiphertextLength, ShieldingDecryptionFailed
from integritee.enclave.pool.errors import (
    AlreadyImported,
    LimitReached,
    NonceTooFar,
    StaleNonce,
    TemporarilyBanned,
    TooLowPriority,
)
from integritee.enclave.rpc.errors import Reason, UnknownShard, UnsupportedOperation
from integritee.enclave.rpc.jsonrpc import Connection, Dispatcher
from integritee.enclave.rpc.limits import (
    BLOCK_TOKENS,
    BLOCK_TOKENS_PER_SECOND,
    IMPORT_TOKEN_BYTES,
    MAX_BLOCKS_PER_MESSAGE,
    MAX_ECHOED_CHARACTERS,
    MAX_MESSAGE_BYTES,
    MAX_SHARDS_PER_QUERY,
    OPERATION_TOKENS,
    OPERATION_TOKENS_PER_SECOND,
)
from integritee.enclave.rpc.methods import trusted_methods
from integritee.enclave.rpc.params import DIGITS_PER_TURN
from integritee.enclave.rpc.watch import WatchRegistry
from integritee.errors import IntegriteeError
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.ids import ParentchainId
from integritee.primitives.rpc import Invalid, RpcReturnValue, StatusError
from integritee.primitives.sidechain import BlockData, SidechainBlock, SidechainHeader, SignedBlock
from integritee.scale import decode, encode
from integritee.scale.errors import UnexpectedEnd
from integritee.stf.errors import InvalidSignature, NotACall

from .conftest import FINGERPRINT, SHARD, TOP_HASH, VAULT, FakeBackend, refusal

REQUEST = Request(SHARD, b"\x01\x02\x03")
REQUEST_HEX = "0x" + encode(Request, REQUEST).hex()
HASH_HEX = TOP_HASH.hex()


@pytest.fixture
def call(dispatcher: Dispatcher, connection: Connection) -> Any:
    async def run(method: str, *params: object, **members: object) -> dict[str, Any]:
        message = {"jsonrpc": "2.0", "method": method, "params": list(params), "id": 1} | members
        reply = await dispatcher.handle(json.dumps(message), connection)
        assert reply is not None
        answer: dict[str, Any] = json.loads(reply.text)
        return answer

    return run


def failure_text(answer: dict[str, Any]) -> str:
    """The text inside a failing RpcReturnValue."""
    envelope = decode(RpcReturnValue, bytes.fromhex(answer["result"][2:]))
    assert envelope.status == StatusError()
    assert envelope.do_watch is False
    return str(decode(str, envelope.value))


def string(text: str) -> bytes:
    return encode(str, text)


def ok(value: bytes) -> str:
    """Hex of RpcReturnValue{value, false, Ok}; value shorter than 64 bytes."""
    return "0x" + bytes([len(value) << 2]).hex() + value.hex() + "0000"


HEADER = "01" * 32 + "0700000000000000" + "05" * 32 + "02" * 32 + "3300000000000000"


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("author_getShieldingKey", ok(string('{"n":[1],"e":[1,0,1,0]}'))),
        ("author_getShardVault", ok(VAULT + b"\x01")),
        ("author_getShard", ok(SHARD)),
        ("author_getFingerprint", ok(FINGERPRINT)),
        ("author_getMuRaUrl", ok(string("localhost:3443"))),
        ("author_getUntrustedUrl", ok(string("ws://localhost:2001"))),
        ("chain_getHeader", "0xc101" + HEADER + "0000"),
        ("state_getMetadata", ok(b"meta\x0e")),
        ("system_version", ok(b"enclave-runtime: 0.1.0")),
        ("state_getRuntimeVersion", "hello, world"),
        ("system_health", "hello, world"),
        ("system_name", "hello, world"),
    ],
)
async def test_queries_ignore_their_params(call: Any, method: str, result: str) -> None:
    expected = {"jsonrpc": "2.0", "result": result, "id": 1}
    assert await call(method) == expected
    assert await call(method, 1, {"a": None}) == expected
    assert await call(method, params=None) == expected


async def test_the_methods_list_themselves(call: Any, dispatcher: Dispatcher) -> None:
    methods = (await call("rpc_methods"))["result"]["methods"]
    assert methods == sorted(methods)
    assert len(methods) == 25
    for method in methods:
        assert (await call(method)).get("error", {}).get("code") != -32601


async def test_submission_answers_an_envelope_with_the_hash(call: Any, backend: FakeBackend) -> None:
    answer = await call("author_submitExtrinsic", REQUEST_HEX)
    assert answer == {"jsonrpc": "2.0", "result": f"0x80{HASH_HEX}000100", "id": 1}
    assert backend.submitted == [REQUEST]
    assert backend.watchers == []


async def test_watched_submission_answers_the_bare_hash(
    dispatcher: Dispatcher, connection: Connection, watches: WatchRegistry
) -> None:
    message = {"jsonrpc": "2.0", "method": "author_submitAndWatchExtrinsic", "params": [REQUEST_HEX], "id": "a"}
    reply = await dispatcher.handle(json.dumps(message), connection)
    assert reply is not None
    assert reply.text == f'{{"jsonrpc":"2.0","result":"0x{HASH_HEX}","id":"a"}}'.encode()
    (watcher,) = reply.watchers
    assert watches.update(TOP_HASH, Invalid()) == []
    assert len(watches.release(watcher)) == 1


async def test_a_batch_hands_back_all_its_watches(
    dispatcher: Dispatcher, connection: Connection, backend: FakeBackend, watches: WatchRegistry
) -> None:
    backend.hashes = [b"\x01" * 32, b"\x02" * 32]
    one = {"jsonrpc": "2.0", "method": "author_submitAndWatchExtrinsic", "params": [REQUEST_HEX], "id": 1}
    reply = await dispatcher.handle(json.dumps([one, one]), connection)
    assert reply is not None
    assert [watcher.top_hash for watcher in reply.watchers] == backend.hashes
    assert len(watches) == 2


@pytest.mark.parametrize("text", [REQUEST_HEX, REQUEST_HEX[2:], REQUEST_HEX.upper().replace("0X", "0x")])
@pytest.mark.parametrize("tail", ["", "ff"])
async def test_hex_is_read_leniently(call: Any, backend: FakeBackend, text: str, tail: str) -> None:
    await call("author_submitExtrinsic", text + tail, "more")
    assert backend.submitted == [REQUEST]


SUBMISSIONS = ["author_submitExtrinsic", "author_submitAndWatchExtrinsic"]
WITH_REQUEST = [*SUBMISSIONS, "state_executeGetter"]


@pytest.mark.parametrize("method", WITH_REQUEST)
@pytest.mark.parametrize(
    ("params", "text", "code"),
    [
        (
            [],
            'Error { code: InvalidParams, message: "Invalid params: invalid length 0, '
            'expected at least 1 element.", data: None }',
            "rpc.invalid_params",
        ),
        (
            [4],
            'Error { code: InvalidParams, message: "Invalid params: invalid type: integer `4`, '
            'expected a string.", data: None }',
            "rpc.invalid_params",
        ),
        (
            {"a": 1},
            'Error { code: InvalidParams, message: "Invalid params: invalid type: map, '
            'expected a sequence.", data: None }',
            "rpc.invalid_params",
        ),
        (
            None,
            'Error { code: InvalidParams, message: "Invalid params: invalid type: null, '
            'expected a sequence.", data: None }',
            "rpc.invalid_params",
        ),
        (["0x123"], "Hex(OddLength)", "rpc.invalid_hex"),
        (["0x12zz"], "Hex(InvalidHexCharacter { c: 'z', index: 2 })", "rpc.invalid_hex"),
        (["12 3"], "Hex(InvalidHexCharacter { c: ' ', index: 2 })", "rpc.invalid_hex"),
        (["0x"], None, "rpc.undecodable_request"),
        (["0x" + "05" * 32 + "ff"], None, "rpc.undecodable_request"),
    ],
)
async def test_unusable_requests_fail_inside_the_envelope(
    call: Any, backend: FakeBackend, watches: WatchRegistry, method: str, params: object, text: str | None, code: str
) -> None:
    answer = await call(method, params=params)
    assert answer["reason"]["code"] == code
    if text is None:
        assert failure_text(answer).startswith('Codec(Error { cause: None, desc: "')
    else:
        assert failure_text(answer) == text
    assert backend.submitted == []
    assert len(watches) == 0


POOL = 'Error {{ code: ServerError(4004), message: "{}", data: None }}'
UNDECIPHERABLE = 'Error { code: ServerError(1001), message: "Trusted operation could not be deciphered", data: None }'
INVALID_FORMAT = 'Error { code: ServerError(1001), message: "Trusted operation has invalid format", data: None }'


INVALID_SHARD = (
    'Error { code: ServerError(1002), message: "Shard does not exist", data: Some(String("InvalidShard")) }'
)
UNSUPPORTED = (
    'Error { code: InternalError, message: "Unknown error occurred", data: Some(String("UnsupportedOperation")) }'
)


@pytest.mark.parametrize("method", SUBMISSIONS)
@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (UnknownShard(found=bytes(32), expected=SHARD), INVALID_SHARD),
        (UnsupportedOperation("a getter"), UNSUPPORTED),
        (NotACall(), UNSUPPORTED),
        (ShieldingDecryptionFailed(), UNDECIPHERABLE),
        (InvalidCiphertextLength(block=384, limit=24576, found=5), UNDECIPHERABLE),
        (UnexpectedEnd(1, 2, 3), INVALID_FORMAT),
        (AlreadyImported(TOP_HASH), POOL.format("Already imported")),
        (TemporarilyBanned(TOP_HASH, 5), POOL.format("Trusted Operation temporarily Banned")),
        (TooLowPriority(3, TOP_HASH), POOL.format("Too low priority")),
        (LimitReached("pool", 5), POOL.format("TrustedOperation couldn't enter the pool because of the limit")),
        (NonceTooFar(9, 3, 4), POOL.format("The pool is not accepting future trusted operations")),
        (StaleNonce(2, 3), POOL.format("Invalid trusted operation")),
        (refusal("stf.anything", 'so "many"'), 'stf.anything: so "many"'),
    ],
    ids=lambda value: value.code if isinstance(value, IntegriteeError) else "",
)
async def test_refused_submissions_keep_the_originals_texts(
    call: Any, backend: FakeBackend, watches: WatchRegistry, method: str, failure: IntegriteeError, text: str
) -> None:
    backend.failure = failure
    answer = await call(method, REQUEST_HEX)
    assert failure_text(answer) == text
    assert list(answer) == ["jsonrpc", "result", "id", "reason"]
    assert answer["reason"] == {"code": failure.code, "message": str(failure), "data": failure.data()}
    assert len(watches) == 0


async def test_error_boom_has_the_known_bytes() -> None:
    assert RpcReturnValue.error("boom").to_hex() == "0x14" + "10626f6f6d" + "00" + "02"


async def test_no_failure_is_mistaken_for_a_hash(call: Any, backend: FakeBackend) -> None:
    """Clients take a result of exactly 32 bytes for a hash."""
    for length in range(60):
        backend.failure = refusal("x" * length, "")
        answer = await call("author_submitAndWatchExtrinsic", REQUEST_HEX)
        assert decode(RpcReturnValue, bytes.fromhex(answer["result"][2:])).status == StatusError()
        assert len(answer["result"]) != 2 + 64, length


async def test_a_defect_in_the_enclave_ends_the_watch(
    call: Any, backend: FakeBackend, watches: WatchRegistry
) -> None:
    backend.failure = RuntimeError("bug")
    answer = await call("author_submitAndWatchExtrinsic", REQUEST_HEX)
    assert answer["error"] == {"code": -32603, "message": "Internal error"}
    assert len(watches) == 0


async def test_a_cancelled_submission_ends_the_watch(
    dispatcher: Dispatcher, connection: Connection, backend: FakeBackend, watches: WatchRegistry
) -> None:
    backend.gate = asyncio.Event()
    message = {"jsonrpc": "2.0", "method": "author_submitAndWatchExtrinsic", "params": [REQUEST_HEX], "id": 1}
    task = asyncio.create_task(dispatcher.handle(json.dumps(message), connection))
    await asyncio.sleep(0)
    assert len(watches) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(watches) == 0


async def test_too_many_watches_are_refused_before_submission(backend: FakeBackend) -> None:
    watches = WatchRegistry(per_connection=0)
    watches.connect(1)
    dispatcher = Dispatcher(trusted_methods(backend, watches))
    message = {"jsonrpc": "2.0", "method": "author_submitAndWatchExtrinsic", "params": [REQUEST_HEX], "id": 1}
    reply = await dispatcher.handle(json.dumps(message), Connection(1))
    assert reply is not None
    assert json.loads(reply.text)["reason"]["code"] == "rpc.too_many_watches"
    assert backend.submitted == []


@pytest.mark.parametrize(
    ("value", "result"), [(b"\x2a", "0x0c01042a0000"), (b"", "0x0801000000"), (None, "0x04000000")]
)
async def test_getters_answer_an_option_of_bytes(
    call: Any, backend: FakeBackend, value: bytes | None, result: str
) -> None:
    backend.getter_value = value
    assert (await call("state_executeGetter", REQUEST_HEX))["result"] == result
    assert backend.submitted == [REQUEST]


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (InvalidSignature(VAULT), "GetterIsNotAuthorized"),
        (UnknownShard(found=bytes(32), expected=SHARD), "StateObserver(CurrentShardStateEmpty)"),
        (refusal("stf.else"), "stf.else: no"),
    ],
    ids=lambda value: value.code if isinstance(value, IntegriteeError) else "",
)
async def test_refused_getters_keep_the_originals_texts(
    call: Any, backend: FakeBackend, failure: IntegriteeError, text: str
) -> None:
    backend.failure = failure
    answer = await call("state_executeGetter", REQUEST_HEX)
    assert failure_text(answer) == text
    assert answer["reason"]["code"] == failure.code


async def test_a_vault_that_is_not_known_is_an_error_encoded_once(call: Any, backend: FakeBackend) -> None:
    backend.vault = None
    answer = await call("author_getShardVault")
    assert failure_text(answer) == "rpc.shard_vault_unknown: the vault of the shard is not known yet"
    assert answer["reason"]["code"] == "rpc.shard_vault_unknown"


async def test_the_vault_names_its_parentchain(call: Any, backend: FakeBackend) -> None:
    backend.vault = (VAULT, ParentchainId.TargetB)
    assert (await call("author_getShardVault"))["result"] == ok(VAULT + b"\x02")


async def test_failing_queries_fail_inside_the_envelope(call: Any, backend: FakeBackend) -> None:
    backend.failure = refusal("stf.not_ready", "soon")
    assert failure_text(await call("state_getMetadata")) == "stf.not_ready: soon"


async def test_pending_operations_are_hashes_per_shard(call: Any, backend: FakeBackend) -> None:
    shards = [base58.b58encode(shard).decode() for shard in (SHARD, bytes(32))]
    answer = await call("author_pendingExtrinsics", *shards)
    assert answer["result"] == ok(b"\x08" + b"\x04\x80" + TOP_HASH + b"\x00")
    assert backend.asked == [SHARD, bytes(32)]
    assert (await call("author_pendingExtrinsics"))["result"] == ok(b"\x00")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        (["0OIl"], "rpc.invalid_shard_text"),
        (["é"], "rpc.invalid_shard_text"),
        ([""], "rpc.invalid_shard_text"),
        ([" " + base58.b58encode(SHARD).decode()], "rpc.invalid_shard_text"),
        ([base58.b58encode(SHARD[:31]).decode()], "rpc.invalid_shard_text"),
        (["1" * 100_000], "rpc.invalid_shard_text"),
        ([base58.b58encode(SHARD).decode()] * (MAX_SHARDS_PER_QUERY + 1), "rpc.too_many_shards"),
        ([5], "rpc.invalid_params"),
    ],
)
async def test_unusable_shards_fail_inside_the_envelope(call: Any, params: list[object], code: str) -> None:
    answer = await call("author_pendingExtrinsics", params=params)
    assert failure_text(answer)
    assert answer["reason"]["code"] == code


@pytest.mark.parametrize("text", [ss58_encode(VAULT), ss58_encode(VAULT, 13), "0x" + VAULT.hex()])
async def test_the_next_nonce_is_a_plain_number(call: Any, backend: FakeBackend, text: str) -> None:
    assert await call("system_accountNextIndex", text) == {"jsonrpc": "2.0", "result": 7, "id": 1}
    assert backend.asked == [VAULT]


@pytest.mark.parametrize("params", [[], [7], ["0x"], ["0x12"], ["0xzz"], ["nobody"], None, {"a": 1}])
async def test_unusable_accounts_are_param_errors(call: Any, params: object) -> None:
    answer = await call("system_accountNextIndex", params=params)
    assert answer["error"]["code"] == -32602
    assert answer["error"]["message"].startswith("Invalid params: ")
    assert answer["reason"]["code"] == "rpc.invalid_params"


async def test_a_failing_nonce_is_a_jsonrpc_error(call: Any, backend: FakeBackend) -> None:
    backend.failure = refusal("stf.not_ready", "soon")
    answer = await call("system_accountNextIndex", ss58_encode(VAULT))
    assert answer["error"] == {"code": -32000, "message": "soon"}
    assert answer["reason"] == {"code": "stf.not_ready", "message": "soon", "data": {}}


def signed_block(diff: bytes = b"diff") -> SignedBlock:
    pair = Ed25519Pair.from_seed(bytes(32))
    data = BlockData(1_700_000_000_000, b"\x03" * 32, pair.public, [TOP_HASH], diff)
    return SidechainBlock(SidechainHeader(b"\x01" * 32, 7, SHARD, data.hash(), 51), data).signed_by(pair)


async def test_blocks_are_handed_on(call: Any, backend: FakeBackend) -> None:
    blocks = [signed_block(), signed_block()]
    text = "0x" + encode(list[SignedBlock], blocks).hex()
    assert await call("sidechain_importBlock", text) == {"jsonrpc": "2.0", "result": "ok", "id": 1}
    assert backend.imported == blocks


@pytest.mark.parametrize(
    ("params", "message", "data"),
    [
        (
            ["SophisticatedInvalidParam"],
            "Invalid parameters: Could not decode Vec<SignedBlock>",
            '["SophisticatedInvalidParam"]',
        ),
        (["0x11", 'a"b'], "Invalid parameters: Could not decode Vec<SignedBlock>", '["0x11", "a\\"b"]'),
        ([4, 214], "Invalid params: invalid type: integer `4`, expected a string.", None),
        ([None], "Invalid params: invalid type: null, expected a string.", None),
        ([True], "Invalid params: invalid type: boolean `true`, expected a string.", None),
        ([1.5], "Invalid params: invalid type: floating point `1.5`, expected a string.", None),
        ([[]], "Invalid params: invalid type: sequence, expected a string.", None),
        ([], "Invalid params: invalid length 0, expected at least 1 element.", None),
    ],
)
async def test_undecodable_blocks_are_param_errors(
    call: Any, params: list[object], message: str, data: str | None
) -> None:
    answer = await call("sidechain_importBlock", params=params)
    error = {"code": -32602, "message": message} | ({} if data is None else {"data": data})
    assert answer["error"] == error
    assert list(answer) == ["jsonrpc", "error", "id", "reason"]


async def test_a_message_carries_a_bounded_number_of_blocks(call: Any, backend: FakeBackend) -> None:
    def text(count: int) -> str:
        return "0x" + encode(list[SignedBlock], [signed_block()] * count).hex()

    assert (await call("sidechain_importBlock", text(MAX_BLOCKS_PER_MESSAGE)))["result"] == "ok"
    answer = await call("sidechain_importBlock", text(MAX_BLOCKS_PER_MESSAGE + 1))
    assert answer["error"]["message"] == "Invalid parameters: Could not decode Vec<SignedBlock>"
    assert str(MAX_BLOCKS_PER_MESSAGE) in answer["reason"]["data"]["detail"]
    assert len(backend.imported) == MAX_BLOCKS_PER_MESSAGE


async def test_blocks_may_be_longer_than_other_messages(call: Any, backend: FakeBackend) -> None:
    blocks = [signed_block(b"\x5a" * MAX_MESSAGE_BYTES)]
    text = "0x" + encode(list[SignedBlock], blocks).hex()
    assert await call("sidechain_importBlock", text) == {"jsonrpc": "2.0", "result": "ok", "id": 1}
    assert backend.imported == blocks
    for method in ("sidechain_importOperations", "author_submitExtrinsic"):
        assert (await call(method, text))["reason"]["code"] == "rpc.message_too_large"


@pytest.mark.parametrize(
    ("tail", "detail"),
    [
        ("a", "odd number of hex digits"),
        ("ga", f"'g' at {4 * MAX_MESSAGE_BYTES} is no hex digit"),
        ('\\"', f"'\\\\' at {4 * MAX_MESSAGE_BYTES} is no hex digit"),
    ],
    ids=["odd", "no digit", "an escape"],
)
async def test_long_blocks_that_are_no_hex_are_named(call: Any, backend: FakeBackend, tail: str, detail: str) -> None:
    answer = await call("sidechain_importBlock", "0x" + "04" * 2 * MAX_MESSAGE_BYTES + tail)
    assert answer["reason"]["code"] == "rpc.undecodable_blocks"
    assert answer["reason"]["data"]["detail"] == detail
    assert answer["error"]["data"].startswith('["0x0404')
    assert backend.imported == []


async def test_long_blocks_are_read_in_turns(backend: FakeBackend, watches: WatchRegistry) -> None:
    waited = 0

    async def turn() -> None:
        nonlocal waited
        waited += 1

    digits = encode(list[SignedBlock], [signed_block(b"\x5a" * MAX_MESSAGE_BYTES)]).hex()
    text = json.dumps({"jsonrpc": "2.0", "method": "sidechain_importBlock", "params": [digits], "id": 1})
    await Dispatcher(trusted_methods(backend, watches)).handle(text, Connection(1, turn))
    assert waited == (len(digits) - 1) // DIGITS_PER_TURN
    assert len(backend.imported) == 1


@pytest.mark.parametrize("text", ["0x00ff", "00ff", "0x00FF"])
async def test_sealed_operations_are_handed_on(call: Any, backend: FakeBackend, text: str) -> None:
    assert await call("sidechain_importOperations", text) == {"jsonrpc": "2.0", "result": "ok", "id": 1}
    assert backend.operations == [b"\x00\xff"]


@pytest.mark.parametrize(
    ("params", "detail"),
    [
        ([], "invalid length 0, expected at least 1 element"),
        ([4], "invalid type: integer `4`, expected a string"),
        ({"sealed": "0x00"}, "invalid type: map, expected a sequence"),
        (["0x123"], "odd number of hex digits"),
        (["0xzz"], "'z' at 0 is no hex digit"),
    ],
)
async def test_sealed_operations_that_are_no_bytes_are_param_errors(
    call: Any, backend: FakeBackend, params: object, detail: str
) -> None:
    answer = await call("sidechain_importOperations", params=params)
    assert answer["error"] == {"code": -32602, "message": f"Invalid params: {detail}."}
    assert answer["reason"]["code"] == "rpc.invalid_params"
    assert backend.operations == []


@pytest.mark.parametrize("method", ["sidechain_importBlock", "sidechain_importOperations"])
async def test_what_the_enclave_does_not_take_from_a_peer_is_a_jsonrpc_error(
    call: Any, backend: FakeBackend, method: str
) -> None:
    backend.failure = refusal("gossip.tampered", "altered")
    answer = await call(method, "0x00")
    assert answer["error"] == {"code": -32000, "message": "altered"}
    assert answer["reason"] == {"code": "gossip.tampered", "message": "altered", "data": {}}


RATES = [
    ("sidechain_importBlock", BLOCK_TOKENS, BLOCK_TOKENS_PER_SECOND),
    ("sidechain_importOperations", OPERATION_TOKENS, OPERATION_TOKENS_PER_SECOND),
]


class Peer:
    """Connections to one enclave, whose clock stands still unless told."""

    def __init__(self, backend: FakeBackend, watches: WatchRegistry) -> None:
        self.now = 0.0
        self._dispatcher = Dispatcher(trusted_methods(backend, watches, lambda: self.now))
        self._connections = {number: Connection(number) for number in (1, 2)}

    async def send(self, method: str, text: str = "0x00", connection: int = 1) -> dict[str, Any]:
        message = json.dumps({"jsonrpc": "2.0", "method": method, "params": [text], "id": 1})
        reply = await self._dispatcher.handle(message, self._connections[connection])
        assert reply is not None
        answer: dict[str, Any] = json.loads(reply.text)
        return answer

    async def is_taken(self, method: str, text: str = "0x00", connection: int = 1) -> bool:
        return "result" in await self.send(method, text, connection)


@pytest.mark.parametrize(("method", "burst", "rate"), RATES)
async def test_a_connection_may_send_so_much_to_a_peer(
    backend: FakeBackend, watches: WatchRegistry, method: str, burst: int, rate: int
) -> None:
    peer = Peer(backend, watches)
    assert all([await peer.is_taken(method) for _ in range(burst)])
    retry_ms = -(-1000 // rate)
    assert await peer.send(method) == {
        "jsonrpc": "2.0",
        "error": {"code": -32005, "message": "Limit exceeded"},
        "id": 1,
        "reason": {
            "code": "rpc.rate_exceeded",
            "message": f"too much for {method} on one connection; try again in {retry_ms} ms",
            "data": {"method": method, "retry_ms": retry_ms},
        },
    }
    others = [name for name, _, _ in RATES if name != method]
    assert [await peer.is_taken(name) for name in others] == [True]
    assert await peer.is_taken(method, connection=2)
    peer.now += 1.0
    assert [await peer.is_taken(method) for _ in range(rate + 1)] == [True] * rate + [False]


@pytest.mark.parametrize(("method", "burst", "rate"), RATES)
@pytest.mark.parametrize(("length", "tokens"), [(IMPORT_TOKEN_BYTES - 1, 1), (IMPORT_TOKEN_BYTES, 2), (700_000, 6)])
async def test_long_messages_cost_more_whatever_is_in_them(
    backend: FakeBackend, watches: WatchRegistry, method: str, burst: int, rate: int, length: int, tokens: int
) -> None:
    peer = Peer(backend, watches)
    garbage, taken = "z" * length, 0
    while (await peer.send(method, garbage))["error"]["code"] == -32602:
        taken += 1
    assert taken == burst // tokens
    assert [await peer.is_taken(method) for _ in range(tokens)] == [True] * (burst % tokens) + [False] * (
        tokens - burst % tokens
    )


async def test_an_error_repeats_little_of_what_was_sent(call: Any) -> None:
    answer = await call("sidechain_importBlock", "z" * 100_000)
    assert len(answer["error"]["data"]) == MAX_ECHOED_CHARACTERS


def test_reasons_keep_integers_readable_for_every_client() -> None:
    facts = Reason.of(refusal("a.b", "c", small=2**53 - 1, big=2**53, negative=-(2**60), flag=True, none=None)).data
    assert facts == {"small": 2**53 - 1, "big": str(2**53), "negative": str(-(2**60)), "flag": True, "none": None}
