"""Enclaves with evidence register by signed extrinsics in whole blocks, at instants when the recorded evidence held."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.frame.errors import Module, ModuleError
from integritee.node.sgx_verify.errors import SgxVerifyError
from integritee.primitives.teerex import Dcap, Ias, Sgx, SgxStatus
from integritee.scale import Err, Ok

from ..node_pallets.evidence import RECORDED, TEST4, arguments
from .chain_kit import ALICE, BOB, Chain, call

TEEREX = 50
RECORD = RECORDED["oasis"]
PROXIED = Dcap(proxied=True)
REGISTER = ("Teerex", "register_sgx_enclave")


@pytest.fixture
def chain() -> Chain:
    return Chain()


def submit(chain: Chain, *calls: Any, now: int = RECORD.now) -> list[Any]:
    nonce = chain.runtime().system.nonce(ALICE.public)
    return chain.make(*(chain.sign(c, ALICE, nonce + i) for i, c in enumerate(calls)), now=now)


def refused(index: int, payload: int = 0) -> Any:
    return Ok(Err(Module(ModuleError(TEEREX, bytes([index, payload, 0, 0])))))


COLLATERAL = (
    call("Teerex", "register_quoting_enclave", *arguments(RECORD.identity)),
    call("Teerex", "register_tcb_info", *arguments(RECORD.tcb_info)),
)


def test_collateral_and_a_quote_in_one_block(chain: Chain) -> None:
    before = chain.runtime().balances.free(ALICE.public)
    quote = call(*REGISTER, RECORD.quote, None, PROXIED)
    assert submit(chain, *COLLATERAL, quote) == [Ok(Ok(None))] * 3

    names = [n for n in chain.names() if n.startswith("Teerex.")]
    assert names == ["Teerex.SgxQuotingEnclaveRegistered", "Teerex.SgxTcbInfoRegistered", "Teerex.AddedSgxEnclave"]
    fees = [r.event.values[1] for r in chain.events() if r.event.name == "TransactionFeePaid"]
    assert len(fees) == 3
    assert min(fees) > 0
    assert chain.runtime().balances.free(ALICE.public) == before - sum(fees)

    ((_, record),) = chain.runtime().teerex.proxied_enclaves.items()
    assert isinstance(record, Sgx)
    assert (record.enclave.status, record.enclave.timestamp) == (SgxStatus.Ok, RECORD.now)
    chain.execute(chain.block())  # an importing node comes to the same state


@pytest.mark.parametrize(
    ("calls", "outcome"),
    [
        ([call(*REGISTER, RECORD.quote, None, PROXIED)], refused(15 + SgxVerifyError.QeHasRejectedEnclave)),
        ([COLLATERAL[0], call(*REGISTER, RECORD.quote, None, PROXIED)], refused(12)),
        ([*COLLATERAL, call(*REGISTER, RECORD.quote, None, Dcap(proxied=False))], refused(1)),
        ([*COLLATERAL, call(*REGISTER, RECORD.quote + b"\0", None, PROXIED)], refused(15 + 8)),
        ([call(*REGISTER, RECORD.quote + bytes(5000), None, PROXIED)], refused(7)),
        ([call(*REGISTER, TEST4, None, Ias())], refused(3)),
        (
            [call("Teerex", "register_tcb_info", RECORD.tcb_info.text, bytes(64), RECORD.tcb_info.chain)],
            refused(15 + 34),
        ),
        ([call("Teerex", "register_tcb_info", RECORD.tcb_info.text, b"", RECORD.tcb_info.chain)], refused(15 + 19)),
    ],
)
def test_refusals_cost_a_fee_and_leave_nothing(chain: Chain, calls: list[Any], outcome: Any) -> None:
    outcomes = submit(chain, *calls)
    assert outcomes == [Ok(Ok(None))] * (len(calls) - 1) + [outcome]
    assert not list(chain.runtime().teerex.proxied_enclaves.items())
    assert chain.names().count("TransactionPayment.TransactionFeePaid") == len(calls)
    chain.execute(chain.block())


def test_collateral_of_another_time(chain: Chain) -> None:
    late = RECORD.now + 60 * 86_400_000
    assert submit(chain, *COLLATERAL, now=late) == [refused(9)] * 2


def test_an_enclave_that_does_not_renew_is_struck_off_by_anyone(chain: Chain) -> None:
    submit(chain, *COLLATERAL, call(*REGISTER, RECORD.quote, None, PROXIED))
    ((address, _),) = chain.runtime().teerex.proxied_enclaves.items()
    strike = call("Teerex", "unregister_proxied_enclave", address)
    two_days = RECORD.now + 2 * 86_400_000
    for now, outcome in ((two_days, refused(10)), (two_days + 6000, Ok(Ok(None))), (two_days + 12000, refused(5))):
        assert chain.make(chain.sign(strike, BOB), now=now) == [outcome]
