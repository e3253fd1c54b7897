"""The latest of Intel's TCB recoveries that is known here: no collateral of before is believed any more.

With each recovery the whole set of collateral gets the next evaluation number, TCB info of all processor families and
identities of quoting enclaves alike. Collateral of before is valid for some weeks yet, and tells nothing of what the
recovery was for: a host would show it rather than have its machine recover.

Source: Intel SGX Provisioning Certification Service API v4, ``tcbEvaluationDataNumber``.
"""

from __future__ import annotations

from typing import Final

from integritee.scale import decode, encode, u16

from ..keys import SecretStore
from .tee import VerifiedEvidence

EVALUATION_LABEL: Final = "tcb-evaluation-number"


class LatestEvaluation:
    """The highest evaluation number of evidence that was accepted, sealed by `store`. Raises what that raises."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store
        sealed = store.get_secret(EVALUATION_LABEL)
        self.number: int = 0 if sealed is None else decode(u16, sealed)
        """What to demand of the next evidence; 0 before the first."""

    def learn(self, accepted: VerifiedEvidence) -> None:
        """Remember the number of evidence that was accepted; when it returns, durably."""
        if accepted.tcb_evaluation_number > self.number:
            self._store.put_secret(EVALUATION_LABEL, encode(u16, accepted.tcb_evaluation_number))
            self.number = accepted.tcb_evaluation_number
