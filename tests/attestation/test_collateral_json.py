"""Reading collateral as the host fetches it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from integritee.attestation import Collateral, collateral_from_json
from integritee.attestation.errors import CollateralMalformed
from integritee.scale import decode, encode

from .forge import HONEST, VECTORS, hardware_vector

FETCHED: dict[str, Any] = json.loads((VECTORS / "dcap-qvl/sgx_quote_collateral.json").read_text())


def crl_pem(hexadecimal: str) -> str:
    text = base64.encodebytes(bytes.fromhex(hexadecimal)).decode()
    return f"-----BEGIN X509 CRL-----\n{text}-----END X509 CRL-----\n"


def test_signed_bytes_are_kept() -> None:
    _, collateral = hardware_vector()
    assert collateral.tcb_info.text.decode() == FETCHED["tcb_info"]
    assert collateral.qe_identity.signature.hex() == FETCHED["qe_identity_signature"]
    assert collateral.pck_crl.hex() == FETCHED["pck_crl"]


@pytest.mark.parametrize(
    "changes",
    [
        {name: value + "\0" for name, value in FETCHED.items() if not name.endswith("signature")},
        {name: crl_pem(FETCHED[name]) for name in ("root_ca_crl", "pck_crl")},
        {"a_new_member": 1},
    ],
)
def test_forms_seen_in_the_wild(changes: dict[str, Any]) -> None:
    assert collateral_from_json(json.dumps(FETCHED | changes)) == hardware_vector()[1]


@pytest.mark.parametrize(
    "changes",
    [{"pck_crl": "xyz"}, {"pck_crl": None}, {"tcb_info_signature": "0"}, {"tcb_info": {"id": "SGX"}}],
)
def test_other_forms(changes: dict[str, Any]) -> None:
    with pytest.raises(CollateralMalformed):
        collateral_from_json(json.dumps(FETCHED | changes))
    with pytest.raises(CollateralMalformed):
        collateral_from_json("not JSON")


@pytest.mark.parametrize("collateral", [HONEST.collateral, hardware_vector()[1]])
def test_scale_round_trip(collateral: Collateral) -> None:
    assert decode(Collateral, encode(Collateral, collateral)) == collateral
