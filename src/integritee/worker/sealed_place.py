"""How the enclave is told which ledger is meant and where its sealed state is."""

from __future__ import annotations

from integritee.boundary.messages import LedgerChoice, SealedPlace

from .config import Config


def ledger_choice(config: Config) -> LedgerChoice:
    """All that is measured with the enclave's code."""
    return LedgerChoice(list(config.apps), config.dev, list(config.custodians), config.custodian_threshold)


def sealed_place(config: Config) -> SealedPlace:
    return SealedPlace(str(config.data_dir.absolute()), ledger_choice(config), config.seal_to_signer)
