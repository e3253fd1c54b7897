"""Where an error is met, and what to do about it.

Both are found under the code itself or under the longest part of it that stands before a dot. Else the module that
an error comes from says where it is met, and that place what to do.
"""

from __future__ import annotations

from typing import Final

from integritee.worker.doctor.advice import RECOVERY_ADVICE, STORE_ADVICE

TRUSTED: Final = "A worker's answer: the `reason` of a refused request, or of a call that ends without success"
BOTH: Final = "Why a trusted call failed (in its `reason`), or an extrinsic of the parentchain"
PARENTCHAIN: Final = "Why an extrinsic of the parentchain failed"
CLIENT: Final = "The SDK and `integritee-cli`"
SETUP: Final = "`integritee devnet`, `integritee demo` and their like"
HOST: Final = "The last line or the log of `integritee-worker`"
ENCLAVE: Final = "The log of a worker; what halts an enclave is also in its phase, `halted:<code>`"
NODE: Final = "JSON-RPC errors, the last line or the log of `integritee-node`"

OTHER_PEERS: Final = "Tell its operator; other validateers are asked meanwhile, if there are any."

PLACES: Final = {
    "integritee.apps": TRUSTED,
    "integritee.attestation": ENCLAVE,
    "integritee.bots": SETUP,
    "integritee.boundary": HOST,
    "integritee.cli": CLIENT,
    "integritee.client": CLIENT,
    "integritee.crypto": CLIENT,
    "integritee.devnet": SETUP,
    "integritee.enclave": ENCLAVE,
    "integritee.enclave.pool": TRUSTED,
    "integritee.enclave.rpc": TRUSTED,
    "integritee.frame": BOTH,
    "integritee.frame.validity": PARENTCHAIN,
    "integritee.load": SETUP,
    "integritee.metadata": CLIENT,
    "integritee.node": NODE,
    "integritee.node.pallets": PARENTCHAIN,
    "integritee.plotting": SETUP,
    "integritee.reference": SETUP,
    "integritee.scale": CLIENT,
    "integritee.stf": TRUSTED,
    "integritee.trie": ENCLAVE,
    "integritee.worker": HOST,
}
"""By module or package; the longest name counts."""

PLACES_OF_CODES: Final = {
    "app": HOST,
    "enclave.not_ready": TRUSTED,
    "frame": NODE,
    "gossip": ENCLAVE,
    "grandpa": PARENTCHAIN,
    "outbox.full": TRUSTED,
    "parentchain.asset_unknown": TRUSTED,
    "parentchain.missing_call": TRUSTED,
    "parentchain.not_connected": TRUSTED,
    "pool": TRUSTED,
    "shielding": TRUSTED,
    "stf.index_clash": HOST,
    "stf.invariant_broken": ENCLAVE,
    "sudo": PARENTCHAIN,
    "teerex": PARENTCHAIN,
    "top": TRUSTED,
}

LAST_RESORT: Final = {
    TRUSTED: "Correct the call or getter and send it again.",
    BOTH: "Correct the call and send it again.",
    PARENTCHAIN: "Correct the extrinsic and send it again.",
    CLIENT: "Correct what was given to the command or method; the message says what it was.",
    SETUP: "Read the message and the logs in the data directory.",
    HOST: "Read the worker's log; restart it once the cause is gone.",
    ENCLAVE: "Read the worker's log. If the host is honest, connect it to another node; otherwise report a defect.",
    NODE: "Correct the request or the options of the node; its log says more.",
}

ADVICE: Final = {
    # the ledger
    "stf.allowance_exceeded": "Spend less, or have the account add the session proxy again with a larger allowance.",
    "stf.amount_too_large": "Ask for at most `limit`.",
    "stf.asset_not_shieldable": "Use an asset that `chain` offers.",
    "stf.bridge_disabled": "Shield by a transfer to the shard's vault, and unshield with the ordinary calls.",
    "stf.filtered": "Wait until the shard is in mode Normal again; a retired shard pays everybody out.",
    "stf.genesis_already_set": "Connect the worker to the parentchain the shard began with, or serve another shard.",
    "stf.index_clash": "Give one of the two another index or name, or do without it.",
    "stf.invalid_nonce": "Ask for the next nonce (`system_accountNextIndex`) and sign again.",
    "stf.invalid_signature": (
        "Sign with the account's own key or that of its session proxy, for the MRENCLAVE and shard that the worker "
        "states now; both change when the worker runs other code."
    ),
    "stf.call_crashed": "Report a defect to the authors of the app; sending it again does not help.",
    "stf.invariant_broken": "Report a defect; nothing of what broke the law remains.",
    "stf.missing_assets": "Ask for less, or shield more of the asset.",
    "stf.missing_funds": "Ask for less or shield more; fees come on top, see the reference of calls.",
    "stf.missing_privileges": "Sign with the account's own key, or add the signer as a session proxy first.",
    "stf.no_shard_vault": "Wait until the worker has set up its vault; `author_getShardVault` tells.",
    "stf.not_a_call": "Ask getters through `state_executeGetter`.",
    "stf.not_in_production": "Make the call on a test network.",
    "stf.not_public": "Ask with a signed getter.",
    "stf.relay_unavailable": "Allow the fallback to the ledger, or relay the note otherwise.",
    "stf.require_enclave_signer": "There is nothing to do: the enclave makes this call itself when it is due.",
    "stf.require_maintainer": "Have the maintainer of the network make the call.",
    "stf.require_root": "Use the sudo key of a development ledger; other ledgers have none.",
    "stf.role_too_small": "Sign with the account's own key, or have it add the session proxy with a larger role.",
    "stf.session_proxy_expired": "Have the account add the session proxy again, with a later expiry.",
    "stf.too_many_effects": "Divide what is asked for among several calls.",
    "stf.unknown_asset_symbol": "Use one of the names that the message lists.",
    "stf.vault_already_set": "Serve another shard, or restore the worker's own keys.",
    "stf.wrong_parentchain_for_vault": "Name the chain that the vault lives on.",
    "stf.wrong_shard": "Name the shard that the call is sent to.",
    # provisioning
    "provisioning": "Try again, or ask another validateer. If it goes on, report a defect.",
    "provisioning.evidence_missing": "Start both workers without `--skip-ra`, or for development both with it.",
    "provisioning.gave_up": "Ask another validateer; `reason` says what was wrong with this one.",
    "provisioning.genesis": "Connect both workers to the same parentchain.",
    "provisioning.handed_over": "Ask the enclave that took over, or another validateer.",
    "provisioning.listen": "Choose another port (`--mu-ra-port`).",
    "provisioning.not_listed": "Have the shard's owner add the account to its configuration.",
    "provisioning.not_superseded": "Join as a further validateer, or wait until the new code is in force.",
    "provisioning.refused": "Do what is advised for the code in `reason`, which the other worker found.",
    "provisioning.shard": "Ask a worker that serves this shard.",
    "provisioning.shard_full": "Wait for a place, or have the shard's owner raise `max_instances`.",
    "provisioning.skip_ra_forbidden": "Leave `--skip-ra` out.",
    "provisioning.state_too_large": "Use a machine with more memory, and a release that takes a state of that size.",
    "provisioning.successor_elsewhere": "Run the new worker on the machine of the one it takes over from.",
    "provisioning.version": "Use releases on both sides that speak the same version of the protocol.",
    # the pool
    "pool.already_imported": "Wait for the operation that is there.",
    "pool.evicted": "Send it again later, and fewer calls at a time.",
    "pool.expired": "Send the calls with the missing nonces first.",
    "pool.invalid_shard": "Ask the worker which shard it serves (`author_getShard`), and sign for that one.",
    "pool.limit_reached": "Wait until some of the calls under way have been executed.",
    "pool.nonce_too_far": "Send the calls with the missing nonces first.",
    "pool.refused_elsewhere": "Submit the call to another worker of the shard.",
    "pool.replaced": "There is nothing to do: another call of yours took its place.",
    "pool.stale_nonce": "Sign again with the nonce `expected`.",
    "pool.temporarily_banned": "Sign another call; this one would fail again.",
    "pool.too_large": "Make the call smaller: shorter notes, less data.",
    "pool.too_low_priority": "Wait for the call that is there, or take the next nonce.",
    "gossip": "Nothing is lost: the worker that a call was sent to executes it. If it goes on, report a defect.",
    "gossip.too_early": "Set the clocks of the workers' machines right.",
    "gossip.too_old": "Set the clocks of the workers' machines right.",
    # the trusted RPC
    "enclave.handed_over": "Turn to the worker that took over (`docs/upgrades.md`). This one can be stopped.",
    "enclave.not_ready": "Wait until the worker has done what `needed` names, and try again.",
    "enclave.seal_policy_refused": "Leave `--seal-to-signer` out, or run a development ledger with `--dev`.",
    "enclave.state_rolled_back": (
        "Restore the newest data directory. After a wanted reset, serve another shard or purge the development chain."
    ),
    "outbox.full": "Send the call again later: too many payments wait for the parentchain.",
    "parentchain.asset_unknown": "Use an asset that the chain offers.",
    "parentchain.checkpoint_too_late": "Configure a checkpoint from before the enclave's first extrinsic, or none.",
    "parentchain.finality_downgrade": "Name the relay chain of first contact, or the authorities at the checkpoint.",
    "parentchain.forced_change": "Start with `--clean-reset` at a checkpoint not before `at`; the ledger is lost.",
    "parentchain.foreign_checkpoint": "Make sure that checkpoint and node are of the same chain; one of them is not.",
    "parentchain.foreign_para": "Give the parachain's id on the relay chain with which the enclave met it.",
    "parentchain.foreign_relay_chain": "Connect a node of the relay chain with which the enclave met the parachain.",
    "parentchain.invalid_checkpoint": "Take another block, with the authorities in force after it.",
    "parentchain.missing_call": "Wait until the worker has been brought up to date with the chain.",
    "parentchain.missing_relay_finality": "Give the worker an endpoint of the relay chain.",
    "parentchain.not_connected": "Name a parentchain that the worker follows.",
    "parentchain.not_parachain": "Leave out the relay chain: the chain has authorities of its own.",
    "parentchain.unknown_state_format": "Start with `--clean-reset`; the ledger is lost.",
    "rpc.busy": "Try again a little later.",
    "rpc.internal": "Report a defect; the worker's log holds the details.",
    "rpc.listen_failed": "Choose another address or port for the trusted RPC.",
    "rpc.rate_exceeded": "Wait for `retry_ms`, then send the rest.",
    "rpc.shard_vault_unknown": "Wait until the worker has set up its vault.",
    "rpc.too_many_watches": "Close connections or wait for calls under way.",
    "rpc.unknown_shard": "Ask the worker which shard it serves (`author_getShard`).",
    "rpc": "Correct the request; `docs/trusted-rpc.md` describes methods and limits.",
    "shielding.undecipherable": "Encrypt with the worker's present key (`author_getShieldingKey`).",
    "top.invalid_format": "Encode the operation as the reference describes; `types.json` is for JavaScript clients.",
    # apps
    "credits.class_taken": "Choose another id.",
    "credits.expiry_passed": "Choose a later expiry, or none.",
    "credits.insufficient": "Redeem at most what is `available`.",
    "credits.not_class_owner": "Sign as the account that created the class.",
    "credits.outstanding": "Wait until the credits have been redeemed or have expired.",
    "credits.too_many_batches": "Redeem some of the credits first.",
    "credits.too_many_classes": "Destroy a class first.",
    "evm.deposit_unpaid": "Endow the EVM account with what is `needed` beside value and gas.",
    "evm.gas_limit_too_high": "Ask for at most `limit`.",
    "evm.gas_limit_too_low": "Ask for at least what is `needed`.",
    "evm.insufficient_balance": "Endow the EVM account: value and gas are paid from it.",
    "evm.machine_fault": "Report a defect; nothing of the call remains.",
    "evm.max_fee_too_low": "Offer at least the `base_fee`.",
    "evm.out_of_gas": "Raise the gas limit.",
    "evm.priority_fee_too_high": "Offer at most the maximum fee.",
    "evm.reverted": "The contract's `reason` or `output` says what it did not like.",
    "evm.too_many_steps": "Divide the work among several calls.",
    "evm.wrong_address": "Act as the address `expected`, or sign as the account it belongs to.",
    "evm.wrong_nonce": "Leave the nonce out, or give the `expected` one.",
    "guess_the_number.no_draw_yet": "Try again a few blocks later.",
    "guess_the_number.too_many_attempts": "Wait for the next round.",
    "guess_the_number.too_many_winners": "Find a better guess.",
    # apps of others
    "app.broken": "Correct the app's declarations.",
    "app.custodians_refused": "Name each custodian's public key once, and a threshold of at most as many.",
    "app.folder_not_allowed": "Install the app and give its name, or run a development ledger.",
    "app.index_reserved": "Give the app an index from `first` to `last`.",
    "app.pallet_index_reserved": "Give the pallet an index from `first` to `last`.",
    "app.unknown": "Check the name; install the app's package where the worker runs.",
    "app": "Correct the app or what names it; the message says what is wrong.",
    # what pallets refuse
    "arithmetic": "Use amounts that the ledger can hold.",
    "assets.no_account": "Shield some of the asset first.",
    "assets.balance_low": "Ask for less, or shield more of the asset.",
    "dispatch.bad_origin": "Send the call from an account that has the right.",
    "dispatch.consumer_remaining": "Leave the existential deposit, or first free what is reserved.",
    "notes.bucket_purged": "Old notes are gone for good; `note_buckets_info` tells which buckets there are.",
    "notes.note_too_long": "Send a shorter note, or several.",
    "session_proxy.not_proxy": "Check the key; `account_essentials` lists the account's session proxies.",
    "session_proxy.self_proxy_forbidden": "Name another key: the account may do everything anyway.",
    "session_proxy.too_many_proxies": "Remove a session proxy first.",
    "system.call_filtered": "The chain does not offer this call at present.",
    "token.below_minimum": "Move at least the existential deposit to an account that does not exist yet.",
    "token.cannot_create": "Let the account come to life with native funds first.",
    "token.funds_unavailable": "Ask for less: what is reserved or frozen cannot be spent.",
    "token.not_expendable": "Leave at least the existential deposit.",
    "token.only_provider": "Leave the existential deposit, or first free what is reserved.",
    "transaction.payment": "Endow the account: it has to cover the fee.",
    "transaction.stale": "Sign again with the account's next nonce.",
    "transaction.bad_proof": "Sign for this chain's genesis and present runtime version.",
    # clients
    "cli.another_shard": "Connect to a worker of that shard (`-U -P`), or name the shard that this one serves.",
    "cli.bad_hex": "Write the bytes into the file as hex digits, and nothing else.",
    "cli.confirmation_mismatch": "The worker follows another fork: look up the call's effect before repeating it.",
    "cli.confirmation_skipped": "Look up the call's effect before repeating it.",
    "cli.confirmation_timeout": "The worker may be behind: look up the call's effect before repeating it.",
    "cli.fee_not_in_asset": "Pay in the native token. Some chains take assets of pallet Assets only.",
    "cli.invalid_identifier": "Give the base58 text that `integritee-worker mrenclave` prints.",
    "cli.shard_has_vault": "`integritee-cli transfer` to the vault, on its chain; the sender is credited.",
    "cli.shard_not_configured": "Compare the shard with `Shard:` in the first lines of its worker.",
    "cli.system": "Check path and permissions.",
    "cli.unexpected_balance": "Nobody else may use the accounts of a benchmark; otherwise report a defect.",
    "cli.upgrade_not_taken": "Look at `integritee-cli upgrade status`, and announce with the chain's sudo key.",
    "cli.unknown_code": "Copy the code from the error; `docs/reference/errors.md` lists all.",
    "cli.usage": "See `integritee-cli COMMAND --help`.",
    "client.bad_collateral": "Give Intel's answer as it came, or a set of collateral as verifiers take it.",
    "client.connection_failed": "Check URL and port (`-u -p`: node, `-U -P`: worker), and that the server runs.",
    "client.extrinsic_failed": "The reason names the pallet's error; `integritee-cli explain` knows many of them.",
    "client.malformed_answer": "Make sure that the URL is a worker's or a node's; otherwise report a defect.",
    "client.no_collateral": "Check the network and `--pcs-url`, or fetch it elsewhere and give it as a file.",
    "client.operation_cancelled": "The status says how it ended; this worker gives no reason.",
    "client.refused": "The text is all this worker says.",
    "client.rpc_error": "The server's own number and message say what it did not like.",
    "client.timeout": "Wait longer (`--timeout`), and look up the call's effect before repeating it.",
    "client.unknown_account": "Name an SS58 address, //Path, seed or phrase; to sign, its key must be in the store.",
    "client.unknown_name": "See the reference of calls and getters; the ledger of this client may lack the app.",
    "client.unusable_key_file": "Remove or restore the file.",
    "client.value_not_present": "Sign as the account itself or its session proxy; there may also be nothing to tell.",
    "crypto.ss58_checksum": "Copy the address again.",
    # set-ups
    "bots.file_unreadable": "Restore the file, or found another community (`init`), which begins it anew.",
    "bots.founding_refused": "Give another `--seed`: it decides where the community is and who belongs to it.",
    "bots.model_violated": "Report a defect, unless somebody meddled with the community or its accounts.",
    "bots.no_agents": "Give the seed of `init` and its directory, or found another community.",
    "bots.no_community": "Run `integritee bots init` first, or name its directory with `--dir`.",
    "bots.no_worker_left": "Look why the workers ended, start them, and run the phase once more.",
    "bots.not_settled": "See whether node and workers still make blocks; then run the phase once more.",
    "devnet.app_name_unusable": "Choose another name.",
    "devnet.code_refused": "Correct the code; `reason` says where it breaks.",
    "devnet.data_dir_in_use": "End the other set-up, or choose another directory with `--data-dir`.",
    "devnet.directory_exists": "Choose another name, or another place with `--into`.",
    "devnet.invalid_shield": "Write ACCOUNT=AMOUNT, such as //Alice=100.",
    "devnet.nothing_to_reload": "Name the project's folder with `--app ./folder`, or leave `--reload` out.",
    "devnet.port_taken": "Choose another port, or any free ones with `--auto-ports`.",
    "load.generator_failed": "What the process said is on standard error; fewer connections may help.",
    "load.handshake_refused": "Check the URL; a worker that has too many clients says so (503).",
    "load.invalid_mix": "Write KIND=WEIGHT, such as transfer=80,getter=20.",
    "load.nothing_sustained": "Begin with a lower rate, or allow more time with `--bound-ms`.",
    "load.too_little_funds": "Shield funds for that account, or send fewer calls; a set-up of its own has enough.",
    "plotting.matplotlib_missing": "Install the extra: `pip install 'integritee[plot]'`, or leave `--plot` out.",
    "plotting.picture_refused": "Name a file that ends with .png, .svg or .pdf, in a directory that is there.",
    "node.database.locked": "End the other node, or use another directory.",
    "node.database.genesis_mismatch": "Use another directory, or purge the chain (`integritee-node purge-chain`).",
    "reference.name_clash": "Rename one of the two types.",
    "reference.no_source_tree": "Give a directory with `--out`.",
    "reference.unreadable_annotation": "Begin the module with `from __future__ import annotations`.",
    **STORE_ADVICE,
    **RECOVERY_ADVICE,
    "worker.block_store_broken": "Run `integritee-worker doctor --repair`; peers serve the blocks again.",
    "worker.block_store_full": "Free disk space, or raise `--block-store-budget`.",
    "worker.checkpoint_unusable": "Export it again (`integritee-worker export-checkpoint`).",
    "worker.invalid_option": "Give the option as expected.",
    "worker.no_genesis_state": "Configure a node that keeps all states, or begin at a checkpoint (`--checkpoint`).",
    "worker.no_justification": "Configure a node that keeps justifications; another one is asked already, if known.",
    "worker.node_behind": "Wait until the node has caught up; another endpoint is asked already, if there is one.",
    "worker.node_silent": "Look after the node; another endpoint is asked already, if there is one.",
    "worker.peer": OTHER_PEERS,
    "worker.peer_lied": OTHER_PEERS,
    "worker.peer_unusable": OTHER_PEERS,
    "worker.malformed_block": OTHER_PEERS,
    "worker.unlinked_block": OTHER_PEERS,
    "worker.foreign_block": OTHER_PEERS,
    "worker.endless_answer": OTHER_PEERS,
    "worker.peers_failed": "Start a worker that serves the shard, or leave the request to `run`.",
    "worker.port_unavailable": "Choose another port.",
    "worker.wrong_chain": "Correct the endpoint's URL; which chain a shard follows was decided at first contact.",
}


def place_of(code: str, module: str) -> str:
    """Where an error is met; apps that are installed beside the project speak through workers."""
    return _longest(PLACES_OF_CODES, code) or _longest(PLACES, module) or TRUSTED


def advice_for(code: str, place: str) -> str:
    """What to do about an error."""
    return _longest(ADVICE, code) or LAST_RESORT[place]


def _longest(table: dict[str, str], name: str) -> str | None:
    while name and name not in table:
        name = name.rpartition(".")[0]
    return table.get(name)
