"""What has no effect here: there is no offchain database, no transaction by index, no tracing.

Source: `OffchainIndex`, `TransactionIndex`, `WasmTracing` of sp-io.
"""

from __future__ import annotations

from ..externalities import Externalities
from ..interface import U32, U64, Fixed32, Flag, Interface, Span

offchain_index = Interface("offchain_index")
transaction_index = Interface("transaction_index")
wasm_tracing = Interface("wasm_tracing")


@offchain_index.function("set")
def index_set(host: Externalities, key: Span, value: Span) -> None:
    return None


@offchain_index.function("clear")
def index_clear(host: Externalities, key: Span) -> None:
    return None


@transaction_index.function("index")
def index_transaction(host: Externalities, extrinsic: U32, size: U32, content_hash: Fixed32) -> None:
    return None


@transaction_index.function("renew")
def renew_transaction(host: Externalities, extrinsic: U32, content_hash: Fixed32) -> None:
    return None


@wasm_tracing.function("enabled")
def tracing_enabled(host: Externalities, metadata: Span) -> Flag:
    return False


@wasm_tracing.function("enter_span")
def enter_span(host: Externalities, attributes: Span) -> U64:
    return 0


@wasm_tracing.function("event")
def event(host: Externalities, attributes: Span) -> None:
    return None


@wasm_tracing.function("exit")
def exit_span(host: Externalities, span: U64) -> None:
    return None
