"""The latest TCB recovery that accepted evidence was of is remembered, across restarts and in spite of the host."""

from __future__ import annotations

import pytest

from integritee.attestation.simulated_pki import SimulatedPlatform
from integritee.enclave.attestation import VerifiedEvidence
from integritee.enclave.attestation.errors import CollateralRolledBack
from integritee.enclave.attestation.evaluation import EVALUATION_LABEL, LatestEvaluation
from integritee.enclave.store.errors import SecretReplayed

from ...attestation.forge import body, of_recovery
from ..store.faulty_directory import FaultyDirectory
from ..store.machine import Machine
from .policies import verify_simulated


def verified(platform: SimulatedPlatform, minimum: int = 0) -> VerifiedEvidence:
    return verify_simulated(platform.quote(body()), platform.collateral, minimum_tcb_evaluation_number=minimum)


class Drawer:
    """A store of secrets that counts what is put into it."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}
        self.writes = 0

    def get_secret(self, label: str) -> bytes | None:
        return self.secrets.get(label)

    def put_secret(self, label: str, data: bytes) -> None:
        self.secrets[label] = data
        self.writes += 1


@pytest.mark.parametrize(
    ("accepted", "latest", "writes"),
    [((), 0, 0), ((0,), 0, 0), ((3,), 3, 1), ((3, 5), 5, 2), ((5, 3), 5, 1), ((5, 5), 5, 1), ((65_535,), 65_535, 1)],
    ids=str,
)
@pytest.mark.parametrize("restarts", [False, True])
def test_the_highest_number_counts(accepted: tuple[int, ...], latest: int, writes: int, restarts: bool) -> None:
    drawer = Drawer()
    evaluation = LatestEvaluation(drawer)
    for number in accepted:
        evaluation.learn(verified(of_recovery(number)))
        if restarts:
            evaluation = LatestEvaluation(drawer)
    assert (evaluation.number, drawer.writes) == (latest, writes)


@pytest.mark.parametrize(
    ("tcb_info", "qe_identity", "document", "found"),
    [(4, 5, "TCB info", 4), (5, 4, "QE identity", 4), (0, 0, "TCB info", 0)],
)
def test_a_document_of_before_is_refused(tcb_info: int, qe_identity: int, document: str, found: int) -> None:
    """Both have to be of the latest recovery: of two, the earlier one is what is known to be in force."""
    evaluation, mixed = LatestEvaluation(Drawer()), of_recovery(tcb_info, qe_identity)
    evaluation.learn(verified(mixed))
    assert evaluation.number == found
    evaluation.learn(verified(of_recovery(5)))
    with pytest.raises(CollateralRolledBack) as caught:
        verified(mixed, evaluation.number)
    assert caught.value.data() == {"document": document, "minimum": 5, "found": found}
    assert verified(of_recovery(5), evaluation.number).tcb_evaluation_number == 5


def test_a_host_puts_no_earlier_number_back() -> None:
    directory = FaultyDirectory()
    machine = Machine(directory)
    copies = []
    for number in (3, 5):
        store, _ = machine.open()
        with store:
            assert LatestEvaluation(store).number == (3 if copies else 0), "older state has none"
            LatestEvaluation(store).learn(verified(of_recovery(number)))
            store.append(1, b"a block")
        copies.append(directory.contents())
    name = f"secret-{EVALUATION_LABEL}"
    directory.put_back({**copies[1], name: copies[0][name]})
    with pytest.raises(SecretReplayed):
        machine.open()
    directory.put_back(copies[1])
    store, _ = machine.open()
    with store:
        assert LatestEvaluation(store).number == 5
