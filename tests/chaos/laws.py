"""What must hold however the dice fall.

At any time: every unit that was shielded is in the ledger, on its way out, or paid out; the vault holds what its
events say; nobody is paid twice; what was reported done stays done; published sidechain blocks stay as they are; no
parentchain block is processed twice or left out. Once faults have stopped: everything that was under way arrives
without a restart, and each account holds what its owner is owed, to the last unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from integritee.primitives.ids import ParentchainId

from .books import Books
from .users import TOO_LITTLE

if TYPE_CHECKING:
    from .simulation import World


class LawBroken(AssertionError):
    """Which law, and how."""

    def __init__(self, law: str, detail: str) -> None:
        self.law = law
        super().__init__(f"{law}: {detail}")


def expect(law: str, found: object, expected: object) -> None:
    if found != expected:
        raise LawBroken(law, f"found {found}, expected {expected}")


def check_always(world: World) -> None:
    """After any step while the enclave is up. Raises LawBroken."""
    enclave = world.enclave
    if not enclave.is_up:
        return
    if enclave.halted is not None:
        raise LawBroken("the enclave never gives up", f"{enclave.halted} ({enclave.halted.code})")
    if not enclave.is_running:
        return
    for which, books in world.books.items():
        if (witness := world.networks[which].witness) is not None:
            books.read(witness.node.chain)
    _check_payments(world, world.books[enclave.home])
    _check_conservation(world)
    _check_promises(world)


def _check_conservation(world: World) -> None:
    """Σ shielded − Σ unshielded is what the ledger holds and owes, as far as parentchains were processed."""
    enclave = world.enclave
    which, vault = enclave.home, world.books[enclave.home]
    processed = enclave.processed(which)
    if processed >= len(vault.pages):
        return  # whoever told the enclave is down
    issued = enclave.runtime.balances.total_issuance.get() - enclave.runtime.shard_management.unbacked.get()
    owed = sum(entry.payment.amount for entry in enclave.pending(which) if entry.payment is not None)
    expect("conservation", issued + owed, vault.deposited(processed) - vault.paid(processed))


def _check_payments(world: World, books: Books) -> None:
    """Each payout reaches its beneficiary once at most, in one piece; one that must be refused never does."""
    owed = {who: amount for who, amount in world.payouts().items() if amount > TOO_LITTLE}
    seen: set[bytes] = set()
    for page in books.pages[world.checked_pages :]:
        for beneficiary, amount in page.payments:
            if beneficiary in seen or len(books.payments_to(beneficiary)) > 1:
                raise LawBroken("nobody is paid twice", beneficiary.hex())
            seen.add(beneficiary)
            expect("payments are what was asked for", amount, owed.get(beneficiary))
    world.checked_pages = len(books.pages)


def _check_promises(world: World) -> None:
    for user in world.users:
        used = world.enclave.shown.system.nonce(user.pair.public)
        if used < user.acknowledged:
            raise LawBroken("what was reported stays done", f"nonce {used}, {user.acknowledged} was reported")
        if used > user.nonce:
            raise LawBroken("only what was signed is done", f"nonce {used}, {user.nonce} calls were signed")


def check_published(world: World, number: int, hash: bytes) -> None:
    """A sidechain block leaves the enclave."""
    known = world.published.setdefault(number, hash)
    if known != hash:
        raise LawBroken("published blocks stay", f"block {number} is {hash.hex()}, was {known.hex()}")


def is_quiet(world: World) -> bool:
    """Whether all that was under way has arrived."""
    enclave = world.enclave
    if not enclave.is_running or not all(user.is_idle for user in world.users):
        return False
    for which, books in world.books.items():
        pending = enclave.pending(which)
        if any(entry.payment is not None for entry in pending) or len(pending) > world.tolerated_lag:
            return False
        if world.networks[which].author.finalized - enclave.processed(which) > world.tolerated_lag:
            return False
        if any(page.deposits or page.payments for page in books.pages[enclave.processed(which) + 1 :]):
            return False
    return True


def check_quiet(world: World) -> None:
    """When everything has arrived. Raises LawBroken."""
    check_always(world)
    runtime = world.enclave.runtime
    books = world.books[world.enclave.home]
    paid = {who for who in world.payouts() if books.payments_to(who)}
    for user in world.users:
        found = runtime.balances.free(user.pair.public)
        returned = sum(amount for who, amount in user.payouts.items() if who not in paid)
        expect(f"user {user.pair.public.hex()[:6]} holds what is owed", found, user.balance + returned)
        expect("each call is executed once", runtime.system.nonce(user.pair.public), user.nonce)
    expect("what can be paid out is", [who.hex() for who in world.turned_away()], [])
    _check_confirmations(world.books[ParentchainId.Integritee])
    expect("the vault holds what its events say", [page.vault for page in books.pages], books.expected())
    shielded, unshielded = sum(sum(u.shielded) for u in world.users), sum(world.payouts()[who] for who in paid)
    issued = runtime.balances.total_issuance.get() - runtime.shard_management.unbacked.get()
    expect("Σ shielded − Σ unshielded is what the ledger holds", issued, shielded - unshielded)
    capital = sum(page.capital for page in books.pages)
    expect("the vault holds what the ledger holds", books.pages[-1].vault - capital, issued)


def _check_confirmations(books: Books) -> None:
    """Parentchain blocks are confirmed without gap, each once."""
    numbers = books.confirmed()
    if numbers:
        expect("blocks are processed once, in order", numbers, list(range(numbers[0], numbers[-1] + 1)))
