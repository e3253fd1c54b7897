"""Which blocks of a parentchain are final, on whichever of three levels of trust.

``grandpa``   the chain's own voters prove it (`light_client`)
``relay``     a parachain: the voters of its relay chain do (`relayed_chain`)
``unproven``  a parachain without a known relay chain: the host says so, headers form a chain (`header_chain`)

The genesis state decides: it is proven whether there is GRANDPA, and what has voters of its own is never followed
without them. Of the other two levels the operator chooses, at first contact. The level is part of what is sealed,
and from then on it can rise, but not fall: a chain is never continued on less than it was met with.

A checkpoint spares a fresh enclave the blocks before it. That it belongs to the genesis hash, and that its
authorities are those in force, is the word of whoever configured it: so it is looked at once, is sealed, and is
shown. Later it can only refuse: if the chain does not go through it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Literal, Self

from integritee.boundary.messages import Checkpoint, Leap, ParentchainParams, RelayFinality, RelayParams
from integritee.primitives.header import Header
from integritee.scale import Enum, decode, encode, u32

from ..errors import ForeignGenesis
from .errors import (
    FinalityDowngrade,
    ForeignCheckpoint,
    ForeignPara,
    ForeignRelayChain,
    MissingRelayFinality,
    NothingToLeapBy,
    NotParachain,
    UnexpectedRelayFinality,
    UnknownStateFormat,
)
from .header_chain import BlockId, HeaderChain, HeaderChainState, check_genesis
from .light_client import LightClient, LightClientState, genesis_authorities
from .relayed_chain import RelayedChain, start_relay

Trust = Literal["grandpa", "relay", "unproven"]

STATE_FORMAT: Final = b"fin1"
"""What the encoded state begins with."""


class Sealed(Enum, frozen=True):
    """A chain as it is sealed: the variant is the level of trust."""


class SealedGrandpa(Sealed, frozen=True):
    index: ClassVar[int] = 0
    client: LightClientState


class SealedRelayed(Sealed, frozen=True):
    index: ClassVar[int] = 1
    chain: HeaderChainState
    para_id: u32
    relay: LightClientState
    is_proven: bool


class SealedUnproven(Sealed, frozen=True):
    index: ClassVar[int] = 2
    chain: HeaderChainState


class FinalizedChain:
    """The finalized chain as far as it is known."""

    def __init__(self, rule: LightClient | RelayedChain | HeaderChain, waypoint: BlockId | None = None) -> None:
        """`waypoint` is a block that the chain has to go through."""
        self._rule, self._waypoint = rule, waypoint

    # -- first contact, and later ones

    @classmethod
    def start(cls, params: ParentchainParams) -> Self:
        """Begin at the checkpoint of `params`, or else at genesis. Leaps are left to `warp`.

        Raises a StartError, FinalityDowngrade, NotParachain or RelayChainRefused.
        """
        checkpoint = params.checkpoint
        in_genesis = genesis_authorities(params.genesis, params.authorities_proof)
        check_genesis(params.genesis)
        has_voters = in_genesis is not None if checkpoint is None else bool(checkpoint.authorities)
        if has_voters:
            return cls(_start_grandpa(params))
        if in_genesis is not None:
            raise FinalityDowngrade("grandpa", "unproven" if params.relay is None else "relay")
        chain = HeaderChain.start(params.genesis)
        if checkpoint is not None:
            chain = HeaderChain.start_at(params.genesis, checkpoint.header)
        if params.relay is None:
            return cls(chain)
        return cls(RelayedChain(chain, params.relay.para_id, start_relay(params.relay), is_proven=True))

    @classmethod
    def resume(cls, sealed: bytes, params: ParentchainParams) -> Self:
        """Go on from what `encode_state` gave. Checkpoints of `params` behind it are ignored.

        A chain that was followed unproven is proven from now on if `params` names a relay chain.
        Raises DecodeError, UnknownStateFormat, ForeignGenesis, a TrustError or RelayChainRefused.
        """
        self = cls(_restore(sealed))
        if self.genesis_hash != params.genesis.hash():
            raise ForeignGenesis(params.genesis.hash(), self.genesis_hash)
        match self._rule:
            case LightClient():
                if params.relay is not None:
                    raise NotParachain(params.relay.para_id)
            case RelayedChain() as relayed:
                if params.relay is None:
                    raise FinalityDowngrade("relay", "unproven")
                _check_relay(relayed, params.relay)
            case HeaderChain() as chain:
                if params.relay is not None:
                    relay = start_relay(params.relay)
                    self._rule = RelayedChain(chain, params.relay.para_id, relay, is_proven=False)
        self._waypoint = _waypoint(self._chain.state, params.checkpoint)
        return self

    def encode_state(self) -> bytes:
        """What `resume` takes."""
        sealed: Sealed
        match self._rule:
            case LightClient() as client:
                sealed = SealedGrandpa(client.state)
            case RelayedChain() as relayed:
                sealed = SealedRelayed(relayed.chain.state, relayed.para_id, relayed.relay.state, relayed.is_proven)
            case HeaderChain() as chain:
                sealed = SealedUnproven(chain.state)
        return STATE_FORMAT + encode(Sealed, sealed)

    def copy(self) -> Self:
        """A chain that goes its own way from here."""
        return type(self)(self._rule.copy(), self._waypoint)

    # -- what is known

    @property
    def _chain(self) -> LightClient | HeaderChain:
        return self._rule.chain if isinstance(self._rule, RelayedChain) else self._rule

    @property
    def head(self) -> Header:
        """The last finalized header."""
        return self._chain.head

    @property
    def genesis_hash(self) -> bytes:
        return self._chain.state.genesis_hash

    @property
    def trust(self) -> Trust:
        """What the finality of the head rests on."""
        match self._rule:
            case LightClient():
                return "grandpa"
            case RelayedChain(is_proven=True):
                return "relay"
            case _:
                return "unproven"

    @property
    def checkpoint(self) -> BlockId | None:
        """Where the chain was begun on the operator's word; None if at genesis."""
        start = self._chain.state.start
        return start if start.number else None

    @property
    def relay_number(self) -> int | None:
        """How far the relay chain is known, if there is one."""
        return self._rule.relay.head.number if isinstance(self._rule, RelayedChain) else None

    @property
    def relay_checkpoint(self) -> BlockId | None:
        """Where the relay chain was begun on the operator's word; None if at genesis, or if there is none."""
        if not isinstance(self._rule, RelayedChain) or not self._rule.relay.state.start.number:
            return None
        return self._rule.relay.state.start

    # -- going on

    def import_batch(
        self, headers: Sequence[Header], justifications: Mapping[int, bytes], relay: RelayFinality | None = None
    ) -> list[Header]:
        """Finalize consecutive headers behind the head, and return them; all or nothing.

        `justifications` are those that the host has, by number; `relay` proves the last header of a parachain.
        Raises a HeaderChainError, SetChangeError, JustificationError, RelayError, InvalidAuthoritySet or
        ForeignCheckpoint.
        """
        self._check_waypoint(headers)
        if isinstance(self._rule, RelayedChain):
            if relay is None:
                raise MissingRelayFinality(headers[-1].number if headers else self.head.number)
            return self._rule.import_batch(headers, relay)
        if relay is not None:
            raise UnexpectedRelayFinality(self.trust)
        if isinstance(self._rule, HeaderChain):
            return self._rule.import_chain(headers)
        last = justifications.get(headers[-1].number) if headers else None
        return self._rule.import_chain(headers, last, justifications)

    def warp(self, leaps: Sequence[Leap]) -> Header:
        """Go from one change of the chain's own authorities to the next; the new head. All or nothing.

        Raises NothingToLeapBy, ForeignCheckpoint, or as `LightClient.warp`.
        """
        if not isinstance(self._rule, LightClient):
            raise NothingToLeapBy(self.trust)
        for leap in leaps:
            self._check_waypoint(leap.headers)
        return self._rule.warp(leaps)

    def _check_waypoint(self, headers: Sequence[Header]) -> None:
        for header in headers:
            if self._waypoint is not None and header.number == self._waypoint.number:
                _expect(self._waypoint, header.hash())


def _start_grandpa(params: ParentchainParams) -> LightClient:
    if params.relay is not None:
        raise NotParachain(params.relay.para_id)
    if params.checkpoint is not None:
        return LightClient.start_at(params.genesis, params.checkpoint)
    return LightClient.start(params.genesis, params.authorities_proof)


def _restore(sealed: bytes) -> LightClient | RelayedChain | HeaderChain:
    found, encoded = sealed[: len(STATE_FORMAT)], sealed[len(STATE_FORMAT) :]
    if found != STATE_FORMAT:
        raise UnknownStateFormat(found, STATE_FORMAT)
    state = decode(Sealed, encoded)
    match state:
        case SealedGrandpa(client):
            return LightClient(client)
        case SealedRelayed(chain, para_id, relay, is_proven):
            return RelayedChain(HeaderChain(chain), para_id, LightClient(relay), is_proven)
        case SealedUnproven(chain):
            return HeaderChain(chain)
    raise AssertionError(state)


def _check_relay(relayed: RelayedChain, params: RelayParams) -> None:
    """Whether `params` are about the relay chain that is followed. Raises a TrustError."""
    known = relayed.relay.state
    if known.genesis_hash != params.genesis.hash():
        raise ForeignRelayChain(params.genesis.hash(), known.genesis_hash)
    if relayed.para_id != params.para_id:
        raise ForeignPara(params.para_id, relayed.para_id)
    _waypoint(known, params.checkpoint)


def _waypoint(known: LightClientState | HeaderChainState, checkpoint: Checkpoint | None) -> BlockId | None:
    """The checkpoint, if it is yet to come. Raises ForeignCheckpoint if it is not where the chain has been."""
    if checkpoint is None:
        return None
    block = BlockId.of(checkpoint.header)
    for passed in (known.start, BlockId.of(known.head)):
        if passed.number == block.number:
            _expect(block, passed.hash)
    return block if block.number > known.head.number else None


def _expect(block: BlockId, found: bytes) -> None:
    if found != block.hash:
        raise ForeignCheckpoint(block.number, found, block.hash)
