"""The parentchains of one shard together: which of them is for what, and what is to be done on them to begin."""

from __future__ import annotations

from collections.abc import Iterator

from integritee.boundary.messages import ParentchainParams
from integritee.primitives.ids import ParentchainId
from integritee.stf.runtime import LedgerRuntime

from ..errors import FollowedAlready
from .inbound import InboundBlock
from .link import Link
from .onboarding import Goal, Phase, Step, is_registered, leads_fresh_shard, membership_step, vault_step


class Links:
    """All parentchains, met or not, Integritee first. The vault is, or will be, on `shielding_target`."""

    def __init__(self, links: dict[ParentchainId, Link], shielding_target: ParentchainId) -> None:
        self._links, self._target = links, shielding_target

    def __getitem__(self, id: ParentchainId) -> Link:
        return self._links[id]

    def __iter__(self) -> Iterator[Link]:
        return iter(self._links.values())

    @property
    def integritee(self) -> Link:
        """The chain that has the registry of enclaves and shards."""
        return self._links[ParentchainId.Integritee]

    @property
    def vault(self) -> Link:
        """The chain that funds come from."""
        return self._links[self._target]

    def proven(self) -> list[Link]:
        """Those of which a block is verified since the start."""
        return [link for link in self if link.follower is not None and link.follower.values]

    def introduce(self, params: ParentchainParams, processed: int | None = None) -> Link:
        """Meet a chain, of which blocks up to `processed` are in the ledger. Raises FollowedAlready, and as
        `Link.connect`."""
        link = self._links[params.id]
        for other in self:
            if other is not link and other.bound == params.genesis.hash():
                raise FollowedAlready(link.id.name, other.id.name)
        link.connect(params, processed)
        return link

    # -- the shard's beginning -----------------------------------------------------------------------

    def concerns_beginning(self, block: InboundBlock, goal: Goal) -> bool:
        """Whether a block may be of the shard: from the one on that proves the enclave's registration."""
        follower = self.integritee.follower
        if follower is None:
            return False
        is_theirs = follower.bridge.keys.registration in block.values
        return is_registered(follower.bridge, goal, block.values if is_theirs else follower.values)

    def next_step(self, link: Link, goal: Goal) -> Step | None:
        """What to do on a chain whose blocks were just verified; None if it is not its turn."""
        integritee = self.integritee
        if integritee not in self.proven():
            return None
        follower = integritee.connected
        step = membership_step(follower.contract, goal, integritee.funds, follower.values)
        if step is not None:
            return step if link is integritee else None
        if not leads_fresh_shard(follower.contract, follower.values):
            return Step(Phase.AWAITING_STATE) if link is integritee else None
        if link is not self.vault:
            return None if self.vault in self.proven() else Step(Phase.AWAITING_TARGET)
        follower = link.connected
        deposited = sum(deposit.amount for block in follower.inbox for deposit in block.deposits if not deposit.asset)
        step = vault_step(follower.contract, link.funds, follower.values, deposited)
        return step or Step(Phase.RUNNING)

    def begin(self, runtime: LedgerRuntime) -> None:
        """Write into the shard's first state which chains it is on, and since when; the vault, too."""
        for link in self.proven():
            follower, mirror = link.connected, runtime.parentchain(link.id)
            mirror.set_genesis(follower.genesis_hash)
            mirror.set_creation_block(follower.inbox[0].header if follower.inbox else follower.head)
            if follower.contract.vault is not None:
                mirror.set_vault(follower.contract.vault.account)
            link.adopt_nonce()
            link.resume = link.resume or follower.origin  # no checkpoint passes over a block from here on
