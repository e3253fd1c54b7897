"""What to do about what the doctor finds, by the longest part of a code that stands before a dot.

The reference of errors takes what it says about sealed state and recovery from here.
"""

from __future__ import annotations

from typing import Final

STORE_ADVICE: Final = {
    "store": "Keep a copy of the directory first; `integritee-worker doctor --repair` does what is safe.",
    "store.disk_failed": "Look up the number in errno(3): space, permissions, or a failing disk.",
    "store.file_missing": "Put the file back from the newest copy of the whole directory.",
    "store.history_forked": (
        "Files of two copies were mixed: put back one copy as a whole, the newest, or recover the shard elsewhere."
    ),
    "store.journal_behind_snapshot": (
        "The end of the journal is gone: put back the newest copy of the whole directory, or fetch the state from "
        "another validateer into an empty one."
    ),
    "store.journal_tampered": (
        "Put back the newest copy of the directory, or fetch the state from another validateer into an empty one."
    ),
    "store.locked": "End the other enclave, or use another data directory.",
    "store.seal_broken": (
        "Run the code that sealed it, with the same `--app`, `--dev` and `--custodian`, on the same machine; "
        "or start over with `--clean-reset`."
    ),
    "store.secret_missing": "Put the file back from the newest copy; without it this enclave's identity is lost.",
    "store.secret_replayed": "Put the newest version of the file back: an older one was put in its place.",
    "store.segment_missing": "Put the missing files back: the journal goes on behind them.",
    "store.snapshot_missing": "Put the file back, or let `integritee-worker doctor --repair` do without it.",
    "store.snapshot_tampered": "Let `integritee-worker doctor --repair` do without the file, if it can.",
    "store.too_large": "Remove what is not the enclave's from its directory.",
    "store.wrong_counter": "Give the file its own name back: it was renamed.",
    "store.wrong_kind": "Run the enclave in the kind of TEE that sealed the state.",
    "store.wrong_label": "Give the file its own name back: it was renamed.",
    "store.wrong_version": "Run the release that wrote the file.",
    "recovery.inconsistent": "Report a defect; fetch the state from another validateer into an empty directory.",
}

RECOVERY_ADVICE: Final = {
    "recovery.bundle_tampered": "Take another copy of the bundle.",
    "recovery.bundle_too_large": "Wait until payments that are under way have reached their chains; then export.",
    "recovery.foreign_bundle": "Import with the `--custodian`, `--app` and `--dev` options it was exported with.",
    "recovery.key_file_unusable": "Give the file that `integritee-cli recovery new-custodian` made.",
    "recovery.keys_missing": "Put the `secret-*` files back from the newest copy of the directory.",
    "recovery.no_custodians": "Run workers with `--custodian` and `--custodian-threshold`; see `docs/recovery.md`.",
    "recovery.no_import": "Begin the import anew, with a request of its own.",
    "recovery.not_a_bundle": "Give the file that `integritee-worker export-shard` wrote.",
    "recovery.not_a_custodian": "Use the key that the ledger was given as `--custodian` when it was exported.",
    "recovery.not_a_request": "Give the file that `integritee-worker import-shard` wrote.",
    "recovery.nothing_to_export": "Give the data directory of a worker that has served its shard.",
    "recovery.release_refused": "Have the custodian answer the request that this import made, and no other.",
    "recovery.request_foreign": "Give the bundle that is to be imported, and the request made for it.",
    "recovery.request_outdated": "Have a new request made, and check the clocks.",
    "recovery.requester_refused": (
        "Do not release anything unless you know and trust the code; then name it with `--measurement`."
    ),
    "recovery.seal_root_missing": "Put `simulated-seal-root` back: without it the state is lost.",
    "recovery.sealed_otherwise": "Give `--seal-to-signer` exactly if the worker runs with it.",
    "recovery.share_broken": "Take another copy of the bundle; if all are alike, the export has to be made anew.",
    "recovery.share_known": "Have another custodian release a share.",
    "recovery.shard_present": "Import into an empty data directory.",
    "recovery.shares_missing": "Have more custodians release their shares.",
    "recovery": "See `docs/recovery.md`.",
}

ADVICE: Final = {
    **STORE_ADVICE,
    **RECOVERY_ADVICE,
    "doctor.blocks_off_chain": "Let `--repair` remove them; peers serve the blocks of the chain.",
    "doctor.blocks_index": "Let `--repair` make the index anew.",
    "doctor.blocks_unreadable": "Let `--repair` remove them; peers serve the blocks again.",
    "doctor.budget_exceeds_disk": "Free disk space, or lower `--block-store-budget`.",
    "doctor.budget_exceeded": "Start the worker: it drops the oldest blocks and shrinks the file.",
    "doctor.clock_behind": "Set the clock: chain and files are ahead of it.",
    "doctor.data_dir_unusable": "Correct the path, or its owner and permissions.",
    "doctor.disk_full": "Free disk space before the worker starts: the journal must grow with every block.",
    "doctor.enclave_failed": "The enclave could not be asked; give the options that the worker runs with.",
    "doctor.node_silent": "Check URL and port, and that the node runs; a worker uses the others meanwhile.",
    "doctor.node_stale": "Look after the node or the chain: no new blocks are finalized.",
    "doctor.port_taken": "Choose another port, or end what listens there.",
    "doctor.seal_root_exposed": "Make it readable by its owner only (chmod 600); who has read it can open the state.",
    "doctor.state_behind_blocks": (
        "Put back the newest copy of the directory; if the parentchain confirmed later blocks, the enclave will halt."
    ),
    "worker.block_store_broken": "Let `--repair` remove the database; peers serve the blocks again.",
}


def advice_for(code: str) -> str | None:
    """What to do; None if nothing has to be done, or nothing is known."""
    while code and code not in ADVICE:
        code = code.rpartition(".")[0]
    return ADVICE.get(code)
