"""What the finalized blocks of a parentchain say happened to a vault: every event that moves its money."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate

from integritee.frame.pallets.system import AccountInfo, LastRuntimeUpgradeInfo
from integritee.node.chain import Chain
from integritee.primitives.ids import ParentchainId
from integritee.primitives.storage import blake2_map_key, storage_prefix
from integritee.scale import decode

from .parentchain import metadata

EVENTS = storage_prefix("System", "Events")
UPGRADE = storage_prefix("System", "LastRuntimeUpgrade")


@dataclass
class Page:
    """One block. Base units; `capital` is what the enclave put into the vault less the vault's fees and deposits."""

    deposits: list[tuple[bytes, int]] = field(default_factory=list)
    payments: list[tuple[bytes, int]] = field(default_factory=list)
    capital: int = 0
    confirmed: list[int] = field(default_factory=list)
    """Parentchain blocks that the enclave says it has processed."""
    vault: int = 0
    """What the vault holds after the block."""


class Books:
    """Pages 1 to the finalized block. On a chain without the vault there is little in them."""

    def __init__(self, which: ParentchainId, vault: bytes, enclave: bytes) -> None:
        self._which, self._vault, self._enclave = which, vault, enclave
        self.pages: list[Page] = [Page()]

    def read(self, chain: Chain) -> None:
        """Go on to the chain's finalized block."""
        for number in range(len(self.pages), chain.finalized.number + 1):
            hash = chain.hash_at(number)
            assert hash is not None
            self.pages.append(self._page(chain, hash))

    def deposited(self, to: int) -> int:
        return sum(amount for page in self.pages[: to + 1] for _, amount in page.deposits)

    def paid(self, to: int) -> int:
        return sum(amount for page in self.pages[: to + 1] for _, amount in page.payments)

    def expected(self) -> list[int]:
        """What the vault must hold after each block."""
        changes = (
            sum(amount for _, amount in page.deposits) - sum(amount for _, amount in page.payments) + page.capital
            for page in self.pages
        )
        return list(accumulate(changes))

    def payments_to(self, beneficiary: bytes) -> list[int]:
        return [amount for page in self.pages for who, amount in page.payments if who == beneficiary]

    def confirmed(self) -> list[int]:
        return [number for page in self.pages for number in page.confirmed]

    def _page(self, chain: Chain, hash: bytes) -> Page:
        state = chain.state_at(hash)
        version = decode(LastRuntimeUpgradeInfo, state.get(UPGRADE) or b"").spec_version
        account = state.get(blake2_map_key("System", "Account", self._vault))
        page = Page(vault=decode(AccountInfo, account).data.free if account else 0)
        for event in metadata(self._which, int(version)).decode_events(state.get(EVENTS) or b"\0"):
            self._enter(page, f"{event.pallet}.{event.name}", event.fields)
        return page

    def _enter(self, page: Page, name: str, fields: dict[str, object]) -> None:
        match name:
            case "Balances.Transfer":
                self._transfer(page, fields["from"], fields["to"], fields["amount"])  # type: ignore[arg-type]
            case "Balances.Reserved" if fields["who"] == self._vault:
                page.capital -= fields["amount"]  # type: ignore[operator]
            case "TransactionPayment.TransactionFeePaid" if fields["who"] == self._vault:
                page.capital -= fields["actual_fee"]  # type: ignore[operator]
            case "EnclaveBridge.ProcessedParentchainBlock":
                page.confirmed.append(fields["block_number"])  # type: ignore[arg-type]

    def _transfer(self, page: Page, sender: bytes, receiver: bytes, amount: int) -> None:
        if receiver == self._vault and sender == self._enclave:
            page.capital += amount
        elif receiver == self._vault:
            page.deposits.append((sender, amount))
        elif sender == self._vault:
            page.payments.append((receiver, amount))
