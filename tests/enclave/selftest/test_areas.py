"""A sound installation passes, and what the self-test knows is what the test suite knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integritee.boundary.interface import Ecalls, Method, Ocalls
from integritee.boundary.messages import SELF_TEST_AREAS, Nothing, SelfTestPart
from integritee.crypto import ss58_decode
from integritee.enclave.selftest.areas import AREAS
from integritee.enclave.selftest.boundary import uncovered
from integritee.enclave.selftest.check import Setup
from integritee.enclave.selftest.known_answers import known_answers, raw, recorded_evidence, solo_metadata
from integritee.enclave.selftest.story import Story
from integritee.enclave.sidechain import author
from integritee.metadata import RuntimeMetadata

from .kit import failures, results

VECTORS = Path(__file__).parents[2] / "vectors"


@pytest.mark.parametrize("area", [*SELF_TEST_AREAS[SelfTestPart.UNIT], "boundary", "provisioning"])
async def test_a_sound_installation_passes(area: str, tmp_path: Path) -> None:
    found = await results(area, tmp_path)
    assert {name: result.detail for name, result in found.items() if not result.passed} == {}
    assert len(found) >= 5


@pytest.mark.parametrize("last", [0, 1, 255])
async def test_what_is_damaged_is_other_than_before_whatever_it_was(
    last: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State diffs of which the last byte happens to be this one."""

    def encrypt(payload: bytes, key: bytes, nonce: bytes, where: bytes) -> bytes:
        first = int.from_bytes(nonce[:8])
        tries = (author_encrypt(payload, key, (first ^ n).to_bytes(8) + nonce[8:], where) for n in range(1 << 16))
        return next(sealed for sealed in tries if sealed[-1] == last)

    author_encrypt = author.encrypt
    monkeypatch.setattr(author, "encrypt", encrypt)
    assert await failures("sidechain", tmp_path) == {}


def test_every_area_is_there_by_the_name_under_which_the_host_asks_for_it() -> None:
    assert [name for names in SELF_TEST_AREAS.values() for name in names] == sorted(AREAS, key=_order)


def _order(name: str) -> int:
    return [each for names in SELF_TEST_AREAS.values() for each in names].index(name)


def test_every_method_of_the_boundary_is_gone_through(tmp_path: Path) -> None:
    assert uncovered(Story(Setup(tmp_path)).steps()) == []


@pytest.mark.parametrize(("interface", "kind"), [(Ecalls, "ecall"), (Ocalls, "ocall")])
async def test_a_method_without_a_step_fails_by_its_name(
    interface: type, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interface, "brand_new", Method(250, Nothing, Nothing), raising=False)
    monkeypatch.setattr(Story, "steps", lambda self: [])
    found = await failures("boundary", tmp_path)
    assert found[f"{kind} brand_new"] == "found no check of this method, expected one"


# -- known answers -----------------------------------------------------------------------------------


def _recorded(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


@pytest.mark.parametrize("kind", ["signed_calls", "signed_getters"])
def test_signed_operations_are_those_of_the_golden_vectors(kind: str) -> None:
    golden = _recorded("js-types.json")[kind]
    for known in known_answers()[kind]:
        public = known["public"]
        assert {name: value for name, value in known.items() if name != "public"} in golden
        assert raw(public) == ss58_decode(known["signer"])[0]


def test_the_rest_is_that_of_the_golden_vectors() -> None:
    known, golden = known_answers(), _recorded("js-types.json")
    for name in ("shard", "mrenclave", "hashes", "keys"):
        assert known[name] == golden[name]
    values = {(value["type"], value["hex"]) for value in golden["values"]}
    assert {(value["type"], value["hex"]) for value in known["values"]} <= values
    assert known["shielding"]["jwk_private"].items() <= golden["shielding"]["jwk_private"].items()
    assert all(each in golden["shielding"]["ciphertexts"] for each in known["shielding"]["ciphertexts"])
    assert known["grandpa"] == _recorded("grandpa.json")
    assert known["sidechain"].items() <= _recorded("sidechain/block.json").items()
    blocks = {block["number"]: block for block in _recorded("chains/integritee-paseo-50.json")["blocks"]}
    for block in known["blocks"]:
        recorded = blocks[block["number"]]
        assert block["extrinsics"] == [extrinsic["hex"] for extrinsic in recorded["extrinsics"]]
        assert {name: recorded[name] for name in block if name != "extrinsics"}.items() <= block.items()


def test_recorded_evidence_is_that_of_the_vectors() -> None:
    folder = VECTORS / "attestation" / "dcap-qvl"
    files = (folder / "sgx_quote", folder / "sgx_quote_collateral.json")
    assert recorded_evidence() == tuple(file.read_bytes() for file in files)


def test_the_small_chain_says_what_it_is() -> None:
    metadata = RuntimeMetadata.parse(solo_metadata())
    assert metadata.call_index("Teerex", "register_sgx_enclave")[0] == 50
