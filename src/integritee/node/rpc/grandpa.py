"""`grandpa_*`: finality (sc-consensus-grandpa-rpc). The Integritee node does not serve these; light clients of
other chains expect them."""

from __future__ import annotations

from typing import Any, TypeAlias

from integritee.crypto import ss58_encode
from integritee.primitives.grandpa import FinalityProof
from integritee.scale import encode

from ..chain import ChainEvent, Finalized
from ..errors import NotFinalized
from ..finality import AuthoritySet, prove_finality
from ..node import Node
from .errors import ProveFinalityFailed
from .methods import method, subscription
from .params import BlockNumber
from .sessions import Sink, Topic

Json: TypeAlias = Any


class GrandpaApi:
    def __init__(self, node: Node) -> None:
        self._chain = node.chain
        self._prefix = node.spec.properties.get("ss58Format")
        self._justifications = Topic()
        self._chain.subscribe(self._on_event)

    @method("grandpa_roundState")
    def round_state(self) -> Json:
        """The round to come: nobody has voted in it, as votes are cast and counted at once."""
        chain = self._chain
        voters = AuthoritySet.read(chain.engine, chain.overlay_at(chain.best_hash))
        prefix = self._prefix if isinstance(self._prefix, int) else 42
        votes = {"currentWeight": 0, "missing": [ss58_encode(key, prefix) for key, _ in voters.authorities]}
        return {
            "setId": voters.id,
            "best": {
                "round": chain.finalized.number + 1,
                "totalWeight": sum(weight for _, weight in voters.authorities),
                "thresholdWeight": voters.threshold,
                "prevotes": votes,
                "precommits": votes,
            },
            "background": [],
        }

    @method("grandpa_proveFinality")
    def prove_finality(self, block: BlockNumber) -> str:
        """Hex of a SCALE FinalityProof. Raises ProveFinalityFailed."""
        try:
            return "0x" + encode(FinalityProof, prove_finality(self._chain, block)).hex()
        except NotFinalized:
            raise ProveFinalityFailed("Block not yet finalized") from None

    @subscription(
        "grandpa_subscribeJustifications",
        notification="grandpa_justifications",
        unsubscribe=("grandpa_unsubscribeJustifications",),
    )
    def subscribe_justifications(self, sink: Sink) -> None:
        """Hex of each SCALE GrandpaJustification from now on."""
        self._justifications.join(sink)

    def _on_event(self, event: ChainEvent) -> None:
        if isinstance(event, Finalized) and event.justification is not None:
            text = "0x" + event.justification.hex()
            self._justifications.publish(lambda: text)
