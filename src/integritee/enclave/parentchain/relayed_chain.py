"""A parachain whose blocks are final because its relay chain says so.

Parachains have no finality of their own: a block is final once it is the parachain's head in the state of a
finalized relay-chain block (polkadot-runtime-parachains, `paras::Heads`). So a GRANDPA light client follows the
relay chain; the head is proven out of the state behind its last header; and the headers of the parachain up to that
one form a chain, as ancestors of what is final.

Of the relay chain only what finality takes is seen: leaps from one set of its authorities to the next, and one
header under the set in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from integritee.boundary.messages import RelayFinality, RelayParams
from integritee.crypto import blake2_256
from integritee.primitives.header import Header
from integritee.primitives.parachain import para_head_key
from integritee.scale import DecodeError, decode
from integritee.trie import TrieError, verify_proof

from .errors import LightClientError, NoParaHead, ParaHeadNotProven, RelayChainRefused, WrongParaHead
from .header_chain import HeaderChain
from .light_client import LightClient


class RelayedChain:
    """`chain` as far as `relay` proved it final; `is_proven` says whether it ever did.

    That is so unless a chain that was followed without proof is from now on followed with it.
    """

    def __init__(self, chain: HeaderChain, para_id: int, relay: LightClient, is_proven: bool) -> None:
        self.chain, self.para_id, self.relay, self.is_proven = chain, para_id, relay, is_proven

    def copy(self) -> Self:
        """A chain that goes its own way from here."""
        return type(self)(self.chain.copy(), self.para_id, self.relay.copy(), self.is_proven)

    def import_batch(self, headers: Sequence[Header], finality: RelayFinality) -> list[Header]:
        """Finalize consecutive headers up to the one that the relay chain proves to be the parachain's head.

        Without headers only the relay chain goes on, if the parachain has not. All or nothing.
        Raises a HeaderChainError, RelayChainRefused, ParaHeadNotProven, NoParaHead or WrongParaHead.
        """
        chain, relay = self.chain.copy(), self.relay.copy()
        if headers:
            chain.import_chain(headers)
        try:
            relay.warp(finality.leaps)
            relay.skip_to(finality.header, finality.justification)
        except LightClientError as refused:
            raise RelayChainRefused(finality.header.number, refused.code, str(refused)) from refused
        verify_para_head(chain.head, finality.header, finality.proof, self.para_id)
        self.chain, self.relay, self.is_proven = chain, relay, True
        return list(headers)


def start_relay(params: RelayParams) -> LightClient:
    """The light client of the relay chain, from its genesis or a checkpoint. Raises RelayChainRefused."""
    try:
        if params.checkpoint is None:
            relay = LightClient.start(params.genesis, params.authorities_proof)
        else:
            relay = LightClient.start_at(params.genesis, params.checkpoint)
        relay.warp(params.leaps)
    except LightClientError as refused:
        raise RelayChainRefused(params.genesis.number, refused.code, str(refused)) from refused
    return relay


def verify_para_head(expected: Header, relay: Header, proof: Sequence[bytes], para_id: int) -> None:
    """Whether `expected` is the parachain's head after the relay-chain block; the proof covers that key only.

    Raises ParaHeadNotProven, NoParaHead or WrongParaHead.
    """
    key = para_head_key(para_id)
    try:
        value = verify_proof(relay.state_root, proof, [key])[key]
        head = None if value is None else decode(bytes, value)
    except (TrieError, DecodeError) as error:
        raise ParaHeadNotProven(relay.state_root, error.code, str(error)) from error
    if head is None:
        raise NoParaHead(para_id, relay.number)
    if blake2_256(head) != expected.hash():
        raise WrongParaHead(expected.number, expected.hash(), blake2_256(head))
