"""The interface as a whole: numbers, and limits on what one message may hold."""

from __future__ import annotations

import pytest

from integritee.boundary.interface import Ecalls, Ocalls, methods_of
from integritee.boundary.messages import MAX_BLOCKS_PER_IMPORT, ImportBlocks, InitParams, ParentchainBlock
from integritee.primitives.header import Digest, Header
from integritee.primitives.ids import ParentchainId
from integritee.scale import EncodeError, codec
from integritee.scale.errors import TooLong

BLOCK = ParentchainBlock(Header(bytes(32), 1, bytes(32), bytes(32), Digest([])), [], None, [])


def test_numbers_are_unique_and_stable() -> None:
    assert {n: m.request.__name__ for n, m in methods_of(Ecalls).items()} == {
        1: "InitParams",
        2: "ParentchainParams",
        3: "ImportBlocks",
        4: "RuntimeUpdate",
        5: "Nothing",
        6: "Nothing",
        7: "LedgerChoice",
        8: "SidechainBlocks",
        9: "Provisioning",
        10: "Examine",
        11: "ExportShard",
        12: "ImportShard",
        13: "ShareRelease",
        14: "Nothing",
        15: "SelfTest",
        16: "ContentStored",
        17: "ContentFetched",
    }
    assert {n: m.request.__name__ for n, m in methods_of(Ocalls).items()} == {
        1: "SubmitExtrinsics",
        2: "StoreBlocks",
        3: "PhaseChanged",
        4: "SlotReport",
        5: "GossipBlocks",
        6: "GossipOperations",
        7: "FetchBlocks",
        8: "ProvisioningProgress",
        9: "StoreContent",
        10: "FetchContent",
    }
    assert all(m.is_notice for m in methods_of(Ocalls).values())
    assert not any(m.is_notice for m in methods_of(Ecalls).values())


def test_an_import_is_bounded() -> None:
    many = ImportBlocks(ParentchainId.Integritee, [BLOCK] * (MAX_BLOCKS_PER_IMPORT + 1))
    with pytest.raises(EncodeError):
        Ecalls.import_blocks.encode_request(many)
    within = codec(ImportBlocks).encode(ImportBlocks(ParentchainId.Integritee, [BLOCK] * 2))
    assert Ecalls.import_blocks.decode_request(within).blocks == [BLOCK] * 2
    block = codec(ParentchainBlock).encode(BLOCK)
    forged = (
        b"\x00" + ((MAX_BLOCKS_PER_IMPORT + 1) << 2 | 1).to_bytes(2, "little") + block * (MAX_BLOCKS_PER_IMPORT + 1)
    )
    with pytest.raises(TooLong):
        Ecalls.import_blocks.decode_request(forged)


def test_round_trip_of_the_longest_struct() -> None:
    urls = ("wss://a", "ws://b", "ws://c")
    params = InitParams("/data", None, "127.0.0.1", 2000, *urls, 1000, ["evm"], True, False, False, True, False)
    assert Ecalls.init.decode_request(Ecalls.init.encode_request(params)) == params
