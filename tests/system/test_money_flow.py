"""Shield, transfer, unshield and check through the command line, to the last base unit on both ledgers."""

from __future__ import annotations

from pathlib import Path

from integritee.client.parentchain import ParentchainClient
from integritee.crypto import Sr25519Pair, ss58_decode
from integritee.node.runtime.presets import CHARLIE, ENDOWMENT
from integritee.stf.development import ENDOWED
from integritee.stf.runtime import ENCLAVE_ENDOWMENT

from .balance_audit import audit, free_balance
from .processes import Cli, Node, Worker, eventually

SHIELDED = 5_000_000_000_123
TRANSFERRED = 1_234_567_890_123
UNSHIELDED = 567_890_123_456

SHIELDING_FEE = SHIELDED // 571
TRANSFER_FEE = 10**10
UNSHIELD_FEE = 3 * 10**10

BOB = "//BobIncognito"
FERDIE = "//Ferdie"


async def test_every_base_unit_is_accounted_for(node: Node, worker: Worker, directory: Path) -> None:
    cli = Cli(directory, node, worker)
    vault = worker.vault

    cli("transfer", "//Charlie", vault, str(SHIELDED))
    credited = SHIELDED - SHIELDING_FEE
    eventually(lambda: cli.trusted("balance", "//Charlie") == str(credited), "the deposit's credit")

    transfer = cli.trusted("transfer", "//Charlie", BOB, str(TRANSFERRED))
    assert "is InSidechainBlock(0x" in transfer.splitlines()[-1]

    unshield = cli.trusted("unshield-funds", BOB, FERDIE, str(UNSHIELDED))
    assert "is InSidechainBlock(0x" in unshield.splitlines()[-1]
    eventually(lambda: cli("balance", FERDIE) == str(UNSHIELDED), "the payment")

    bob = Sr25519Pair.from_uri(BOB).public
    ferdie = Sr25519Pair.from_uri(FERDIE).public
    vault_account, enclave = ss58_decode(vault)[0], ss58_decode(worker.enclave_account)[0]
    async with await ParentchainClient.connect(node.url) as chain:
        books = await audit(chain)
        accounts = {"charlie": CHARLIE, "ferdie": ferdie, "vault": vault_account, "enclave": enclave}
        free = {name: await free_balance(chain, account, books.at) for name, account in accounts.items()}
    [working_capital] = books.paid(enclave, vault_account)

    ledger = {
        "charlie": int(cli.trusted("balance", "//Charlie")),
        "bob": int(cli.trusted("balance", BOB)),
        "issued": int(cli.trusted("get-total-issuance")) - ENDOWED,
    }
    assert ledger == {
        "charlie": credited - TRANSFERRED - TRANSFER_FEE,
        "bob": TRANSFERRED - UNSHIELDED - UNSHIELD_FEE,
        "issued": ENCLAVE_ENDOWMENT + SHIELDED - UNSHIELDED,
    }
    collected = ledger["issued"] - ledger["charlie"] - ledger["bob"]
    assert collected == ENCLAVE_ENDOWMENT + SHIELDING_FEE + TRANSFER_FEE + UNSHIELD_FEE

    assert books.paid(CHARLIE, vault_account) == [SHIELDED]
    assert books.paid(vault_account, ferdie) == [UNSHIELDED]
    assert books.paid(enclave, ferdie) == []
    vault_costs = books.fees[vault_account] + books.reserved[vault_account]
    assert free == {
        "charlie": ENDOWMENT - SHIELDED - books.fees[CHARLIE],
        "ferdie": UNSHIELDED,
        "vault": working_capital - vault_costs + SHIELDED - UNSHIELDED,
        "enclave": books.balance(enclave),
    }
    assert (cli.trusted("nonce", "//Charlie"), cli.trusted("nonce", BOB)) == ("1", "1")
    assert bob not in books.received, "the private account never appears on the parentchain"
