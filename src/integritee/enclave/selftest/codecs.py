"""SCALE and SS58: known encodings both ways, and what must be refused because it is not canonical.

Sources: the SCALE specification's compact integers, `known_answers.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from integritee import crypto, scale
from integritee.frame.pallets.system import AccountInfo
from integritee.primitives.enclave_bridge import Request
from integritee.primitives.header import Header
from integritee.primitives.ids import AccountId, ParentchainId
from integritee.primitives.rpc import DirectRequestStatus, RpcReturnValue
from integritee.primitives.sidechain import SignedBlock
from integritee.stf.types import AccountEssentials, ParentchainsInfo, ShardInfo

from .check import Check, Setup, expect, expect_refusal
from .known_answers import known_answers, raw

COMPACT: Final = (
    (0, "00"),
    (1, "04"),
    (63, "fc"),
    (64, "0101"),
    (16_383, "fdff"),
    (16_384, "02000100"),
    (2**30 - 1, "feffffff"),
    (2**30, "0300000040"),
    (2**64 - 1, "13ffffffffffffffff"),
)

VALUES: Final[tuple[tuple[str, Any, Any, str], ...]] = (
    ("unsigned integers", tuple[scale.u8, scale.u16, scale.u64], (1, 2, 3), "0102000300000000000000"),
    ("booleans", list[bool], [True, False], "080100"),
    ("bytes", bytes, b"ab", "086162"),
    ("text", str, "ä", "08c3a4"),
    ("options", tuple[scale.u8 | None, scale.u8 | None], (None, 5), "000105"),
    ("maps", dict[scale.u8, bool], {1: True, 2: False}, "0801010200"),
)

REFUSED: Final[tuple[tuple[str, Any, str, str], ...]] = (
    ("a number that ends early", scale.u32, "0102", "scale.unexpected_end"),
    ("a byte too many", scale.u8, "0102", "scale.trailing_bytes"),
    ("a boolean of 2", bool, "02", "scale.out_of_range"),
    ("a length that is not canonical", bytes, "010061", "scale.non_canonical_compact"),
    ("text that is not UTF-8", str, "04ff", "scale.invalid_utf8"),
    ("a map that is not in order", dict[scale.u8, bool], "0802010101", "scale.unordered_map"),
)

STRUCTS: Final[dict[str, Any]] = {
    "AccountInfo": AccountInfo,
    "AccountEssentials": AccountEssentials,
    "ParentchainsInfo": ParentchainsInfo,
    "ShardInfo": ShardInfo,
    "Vault": tuple[AccountId, ParentchainId],
    "RpcReturnValue": RpcReturnValue,
    "DirectRequestStatus": DirectRequestStatus,
    "Request": Request,
}


def checks(setup: Setup) -> Iterator[Check]:
    answers = known_answers()
    yield Check("compact integers", _compact)
    for name, hint, value, encoded in VALUES:
        yield Check(name, partial(_both_ways, hint, value, raw(encoded)))
    for what, hint, encoded, code in REFUSED:
        yield Check(f"{what} is refused", partial(_refuses, what, hint, raw(encoded), code))
    for name, hint in STRUCTS.items():
        known = [raw(each["hex"]) for each in answers["values"] if each["type"] == name]
        yield Check(name, partial(_again, hint, known))
    yield Check("parentchain header", partial(_headers, answers["blocks"]))
    yield Check("sidechain block", partial(_sidechain_block, answers["sidechain"]))
    yield Check("SS58", _ss58)


def _compact() -> None:
    for value, encoded in COMPACT:
        expect(scale.encode_compact(value), raw(encoded), f"of {value}")
        expect(scale.decode_compact(raw(encoded)), (value, len(encoded) // 2), f"of 0x{encoded}")


def _both_ways(hint: Any, value: Any, encoded: bytes) -> None:
    expect(scale.encode(hint, value), encoded, f"of {value!r}")
    expect(scale.decode(hint, encoded), value, f"of 0x{encoded.hex()}")


def _refuses(what: str, hint: Any, encoded: bytes, code: str) -> None:
    attempt: Callable[[], object] = partial(scale.decode, hint, encoded)
    expect_refusal(code, what, attempt)


def _again(hint: Any, known: list[bytes]) -> None:
    """What the JS client encoded is understood, for it comes out again as it was."""
    expect(bool(known), True, "there are known answers")
    for encoded in known:
        expect(scale.encode(hint, scale.decode(hint, encoded)), encoded)


def _headers(blocks: list[dict[str, Any]]) -> None:
    for block in blocks:
        header: Header = scale.decode(Header, raw(block["header_scale"]))
        expect(header.number, block["number"], "number")
        expect(scale.encode(Header, header), raw(block["header_scale"]), "encoding")
        expect(header.hash(), raw(block["hash"]), "hash")


def _sidechain_block(known: dict[str, str]) -> None:
    signed: SignedBlock = scale.decode(SignedBlock, raw(known["scale"]))
    expect(scale.encode(SignedBlock, signed), raw(known["scale"]), "encoding")
    expect(signed.hash(), raw(known["hash"]), "hash")
    expect(signed.has_valid_signature(), True, "the author's signature is valid")


def _ss58() -> None:
    for each in known_answers()["keys"]:
        for prefix in (42, 13):
            text, public = each[f"ss58_{prefix}"], raw(each["public"])
            expect(crypto.ss58_encode(public, prefix), text, f"of 0x{public.hex()}")
            expect(crypto.ss58_decode(text), (public, prefix), f"of {text}")
    text = known_answers()["keys"][0]["ss58_42"]
    wrong = text[:10] + ("1" if text[10] != "1" else "2") + text[11:]
    expect_refusal("crypto.ss58_checksum", "a letter that is wrong", lambda: crypto.ss58_decode(wrong))
