"""What must hold however the dice fall.

At any time: nobody adopts a block that breaks the rules, as computed here once more; who has a block has its state;
an honest validateer signs one block in a slot; confirmed blocks make one chain; no call is in it twice; nobody is
paid twice, something else, or before the block that says so is confirmed. Once faults have stopped the chain grows
again; when all that was under way has arrived, each account holds what its owner is owed, to the last unit.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from integritee.enclave.sidechain.slots import SLOT_MS, slot_author, slot_number
from integritee.enclave.sidechain.verification import MAX_DRIFT_MS
from integritee.primitives.sidechain import FINALIZATION_STRIDE, SignedBlock
from integritee.primitives.storage import blake2_map_key

from .clients import TOO_LITTLE, Client
from .enclave import MRENCLAVE
from .errors import LawBroken
from .start import Start
from .validateer import Validateer

if TYPE_CHECKING:
    from .simulation import Simulation

GENESIS: Final = bytes(32)
MAX_UNDER_WAY: Final = 1
"""Blocks that may be on their way to somebody without faults."""


def expect(law: str, found: object, expected: object, where: str = "") -> None:
    if found != expected:
        raise LawBroken(law, f"{where + ': ' if where else ''}found {found}, expected {expected}")


class Laws:
    """The judge of one run. It knows all blocks there are and who made them."""

    def __init__(self, world: Simulation, begin: Start) -> None:
        self._world = world
        self.known = {signed.hash(): signed for signed in begin.blocks}
        self.forbidden: dict[bytes, str] = {}
        """By hash, blocks that nobody may adopt, and why."""
        self.final = {0: GENESIS}
        """Hashes of confirmed blocks by number."""
        self.executed: dict[bytes, int] = {}
        """Calls in confirmed blocks, and in which."""
        self.payments: Counter[bytes] = Counter()
        self.shielded = self.paid = 0
        self.authored = 0
        self._roots: dict[bytes, bytes] = {}
        self._of_slot: dict[tuple[bytes, int], bytes] = {}
        self._judged: dict[int, bytes] = {}
        chain = world.parentchain
        self._seen = chain.height
        self._vault_key = blake2_map_key("System", "Account", world.vault)
        self._vault_account = chain.value(self._vault_key)
        self._vault_began = chain.free(world.vault)
        self._issued, self._savings = begin.issued, begin.savings
        self._confirm(self._seen)

    @property
    def final_number(self) -> int:
        """Of the latest confirmed block."""
        return len(self.final) - 1

    # -- blocks --------------------------------------------------------------------------------------

    def block_authored(self, validateer: Validateer, signed: SignedBlock) -> None:
        """An enclave lets a block of its own out, perhaps again after a crash."""
        self.authored += signed.hash() not in self.known
        self.known[signed.hash()] = signed
        if validateer not in self._world.honest:
            return
        data = signed.block.block_data
        slot = (data.block_author, slot_number(data.timestamp, SLOT_MS))
        if self._of_slot.setdefault(slot, signed.hash()) != signed.hash():
            raise LawBroken("honest validateers sign one block in a slot", f"{validateer} signed two in {slot[1]}")

    def block_adopted(self, validateer: Validateer, signed: SignedBlock) -> None:
        """A block joins the chain of an honest enclave."""
        hash, header, data = signed.hash(), signed.block.header, signed.block.block_data
        where = f"{validateer}, block {header.block_number} {hash.hex()[:8]}"
        if (why := self.forbidden.get(hash)) is not None:
            raise LawBroken("no wrong block is adopted", f"{where}: {why}")
        if hash not in self.known:
            raise LawBroken("adopted blocks are what somebody made", where)
        expect("headers commit to their data", data.hash().hex(), header.block_data_hash.hex(), where)
        slot = slot_number(data.timestamp, SLOT_MS)
        expect("slots have owners", data.block_author, slot_author(slot, self._world.authorities), where)
        if data.timestamp > validateer.now + MAX_DRIFT_MS:
            raise LawBroken("no block is from the future", where)
        parent = self.known.get(header.parent_hash)
        if parent is not None and data.timestamp <= parent.block.block_data.timestamp:
            raise LawBroken("time goes forward", where)

    # -- enclaves ------------------------------------------------------------------------------------

    def check(self, validateer: Validateer) -> None:
        """After any step of an honest enclave."""
        enclave = validateer.enclave
        if enclave.halted is not None:
            raise LawBroken("no enclave gives up", f"{validateer}: {enclave.halted} ({enclave.halted.code})")
        head = enclave.head_hash
        if self._judged.get(validateer.number) == head:
            return
        self._judged[validateer.number] = head
        root = enclave.state_root
        expect("a block has one state", root, self._roots.setdefault(head, root), f"{validateer} at {head.hex()[:8]}")

    # -- the parentchain -----------------------------------------------------------------------------

    def follow(self) -> None:
        """Judge what became final on the parentchain."""
        chain = self._world.parentchain
        for number in range(self._seen + 1, chain.height + 1):
            self._judge_payments(number)
            self._confirm(number)
        self._seen = chain.height

    def _confirm(self, parentchain_number: int) -> None:
        found = self._world.parentchain.confirmation(MRENCLAVE, parentchain_number)
        if found is None:
            return
        number, hash = found.block_number - FINALIZATION_STRIDE, found.block_header_hash
        branch: list[SignedBlock] = []
        while number - len(branch) > self.final_number:
            signed = self.known.get(hash)
            if signed is None:
                raise LawBroken("confirmed blocks are what somebody made", hash.hex())
            branch.append(signed)
            hash = signed.block.header.parent_hash
        at = number - len(branch)
        expect("confirmed blocks make one chain", hash.hex(), self.final[at].hex(), f"block {at}")
        for signed in reversed(branch):
            self._enter(signed)

    def _enter(self, signed: SignedBlock) -> None:
        number = signed.block.header.block_number
        self.final[number] = signed.hash()
        for hash in signed.block.block_data.signed_top_hashes:
            if hash in self.executed:
                where = f"{hash.hex()[:8]} in blocks {self.executed[hash]} and {number}"
                raise LawBroken("no call is executed twice", where)
            self.executed[hash] = number
            for client in self._world.clients:
                client.settle(hash)

    def _judge_payments(self, number: int) -> None:
        chain, vault = self._world.parentchain, self._world.vault
        account = chain.value(self._vault_key, number)
        if account == self._vault_account:
            return
        self._vault_account = account
        for event in chain.events(number):
            if f"{event.pallet}.{event.name}" != "Balances.Transfer":
                continue
            sender, receiver, amount = event.fields["from"], event.fields["to"], int(event.fields["amount"])
            if receiver == vault:
                self.shielded += amount
            elif sender == vault:
                self._judge_payment(bytes(receiver), amount)

    def _judge_payment(self, beneficiary: bytes, amount: int) -> None:
        calls = [call for client in self._world.clients for call in client.calls.values()]
        call = next((call for call in calls if call.beneficiary == beneficiary), None)
        self._world.trace.say(f"the vault pays {amount} to {beneficiary.hex()[:8]}")
        if call is None:
            raise LawBroken("payments are what was asked for", f"nobody asked for one to {beneficiary.hex()[:8]}")
        expect("payments are what was asked for", amount, call.amount)
        self.payments[beneficiary] += 1
        self.paid += amount
        if self.payments[beneficiary] > 1:
            raise LawBroken("nobody is paid twice", beneficiary.hex())
        if len(self._world.authorities) > 1 and call.hash not in self.executed:
            raise LawBroken("what is paid is final", f"{call.hash.hex()[:8]} is in no confirmed block")

    # -- after faults --------------------------------------------------------------------------------

    def check_alive(self, since: int) -> None:
        """All honest enclaves are up, and the shard's chain has grown since faults stopped at Unix time `since` (ms):
        the primary and whoever is on its chain have newer blocks."""
        honest = self._world.honest
        if not all(validateer.enclave.is_up for validateer in honest):
            raise LawBroken("validateers live again", self._heights())
        latest = [store[store.height].block.block_data.timestamp for store in (v.blocks for v in honest)]
        if max(latest) < since:
            raise LawBroken("the chain grows again", self._heights())

    def is_one(self, height: int) -> bool:
        """Whether all honest enclaves are on one chain, higher than `height`, but for blocks under way."""
        stores = [validateer.blocks for validateer in self._world.honest]
        common = min(store.height for store in stores)
        if common <= height or common + MAX_UNDER_WAY < max(store.height for store in stores):
            return False
        return len({store[common].hash() for store in stores if common in store}) == 1

    def check_one(self, height: int) -> None:
        """Raises LawBroken unless `is_one`."""
        if not self.is_one(height):
            raise LawBroken("all are on one chain again", f"{self._heights()}; it was {height} when faults stopped")

    def _heights(self) -> str:
        return ", ".join(f"{v} {v.blocks.height} ({v.enclave.phase})" for v in self._world.honest)

    def is_quiet(self) -> bool:
        """Whether all that was under way has arrived everywhere."""
        world = self._world
        owed = [who for client in world.clients for who in client.payouts]
        if any(not self.payments[who] for who in owed) or len({v.enclave.head_hash for v in world.honest}) > 1:
            return False
        return all(self._has_all(validateer, client) for validateer in world.honest for client in world.clients)

    def _has_all(self, validateer: Validateer, client: Client) -> bool:
        runtime = validateer.enclave.shown
        free = runtime.balances.free(client.pair.public)
        return runtime.system.nonce(client.pair.public) == client.nonce and free == self._owed(client)

    def _owed(self, client: Client) -> int:
        world = self._world
        received = sum(c.amount for other in world.clients for c in other.calls.values() if c.receiver is client)
        return self._savings[client.name] - client.spent + client.deposited + received + client.refunds

    def check_quiet(self) -> None:
        """When everything should have arrived."""
        world = self._world
        chain = world.honest[0].blocks.chain()
        calls = Counter(hash for signed in chain for hash in signed.block.block_data.signed_top_hashes)
        for client in world.clients:
            for call in client.calls.values():
                expect("each call is in one block", calls[call.hash], 1, f"{client.name}'s nonce {call.signed.nonce}")
            paid = {who: self.payments[who] for who in client.payouts}
            expect("what can be paid out is, once", paid, dict.fromkeys(client.payouts, 1), client.name)
        for validateer in world.honest:
            runtime = validateer.enclave.shown
            for client in world.clients:
                where = f"{client.name} at {validateer}"
                expect("each call is executed", runtime.system.nonce(client.pair.public), client.nonce, where)
                found = runtime.balances.free(client.pair.public)
                expect("each holds what is owed", found, self._owed(client), where)
            issued = runtime.balances.total_issuance.get() - runtime.shard_management.unbacked.get()
            expect("Σ shielded − Σ unshielded is in the ledger", issued - self._issued, self.shielded - self.paid)
        held = world.parentchain.free(world.vault) - self._vault_began
        expect("the vault holds what its payments left", held, self.shielded - self.paid)
        expect("no payment is made up", max(self.payments.values(), default=1), 1)
        refused = [call for client in world.clients for call in client.calls.values() if call.amount == TOO_LITTLE]
        expect("what is too little is not paid", [c for c in refused if self.payments[c.beneficiary or b""]], [])
