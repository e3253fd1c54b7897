"""`integritee-worker`: the untrusted service and its subcommands.

Exit codes: 0 done or stopped by a signal, 2 usage error, 101 failure (the original's panic code).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Final

from integritee.errors import IntegriteeError

from .config import Config, parse
from .errors import FAILURE
from .launch import launch

SIGNING_KEY_FILE: Final = "enclave-signing-pubkey.bin"
SHIELDING_KEY_FILE: Final = "enclave-shielding-pubkey.json"


def main() -> None:
    """Entry point of the console script."""
    logging.basicConfig(
        level=os.environ.get("INTEGRITEE_LOG", "WARNING").upper(),
        format="%(asctime)s.%(msecs)03d %(levelname)-5s [worker] %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    try:
        config = parse(sys.argv[1:])
        code = asyncio.run(_dispatch(config))
    except IntegriteeError as failed:
        print(f"error: {failed.code}: {failed}", file=sys.stderr)
        code = FAILURE
    sys.exit(code)


async def _dispatch(config: Config) -> int:
    match config.command:
        case "run" | "request-state":
            return await _run(config)
        case "mrenclave":
            return await _print_measurement(config)
        case "export-checkpoint":
            return await _export_checkpoint(config)
        case "doctor":
            from .doctor.run import run

            return await run(config)
        case "test":
            from .selftest.run import run as test

            return await test(config)
        case "export-shard" | "import-shard":
            from .recovery import export, restore

            return await (export if config.command == "export-shard" else restore)(config)
        case _:
            return await _write_key(config)


async def _run(config: Config) -> int:
    launched = await launch()
    from .service import Worker  # takes a while to load: the enclave boots meanwhile

    worker = Worker(config, launched)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop)
    return await worker.run()


async def _print_measurement(config: Config) -> int:
    """What the enclave's own code says, without opening any state."""
    import base58

    from integritee.boundary.interface import Ecalls

    from .enclave_process import EnclaveProcess
    from .sealed_place import ledger_choice

    enclave = await EnclaveProcess.attach(await launch(), {})
    try:
        measurement = await enclave.call(Ecalls.measure, ledger_choice(config))
    finally:
        await enclave.stop()
    print(base58.b58encode(measurement.fingerprint).decode())
    return 0


async def _export_checkpoint(config: Config) -> int:
    from .checkpoint import observe_all, to_json

    print(to_json(await observe_all(config.chains)))
    return 0


async def _write_key(config: Config) -> int:
    """Start the enclave just to learn its public keys."""
    from integritee.boundary.interface import Ecalls
    from integritee.boundary.messages import InitParams

    from .enclave_process import EnclaveProcess

    enclave = await EnclaveProcess.attach(await launch(), {})
    try:
        params = InitParams(
            data_dir=str(config.data_dir),
            shard=config.shard,
            trusted_host="127.0.0.1",
            trusted_port=0,
            trusted_url="",
            untrusted_url="",
            mu_ra_url="",
            slot_ms=config.slot_ms,
            apps=list(config.apps),
            development=config.dev,
            seal_to_signer=config.seal_to_signer,
            skip_ra=False,
            clean_reset=False,
            check_invariants=False,
            custodians=list(config.custodians),
            custodian_threshold=config.custodian_threshold,
        )
        identity = await enclave.call(Ecalls.init, params)
    finally:
        await enclave.stop()
    if config.command == "signing-key":
        await asyncio.to_thread(Path(SIGNING_KEY_FILE).write_bytes, identity.account)
        print(f"wrote {SIGNING_KEY_FILE}")
    else:
        await asyncio.to_thread(Path(SHIELDING_KEY_FILE).write_text, identity.shielding_key)
        print(f"wrote {SHIELDING_KEY_FILE}")
    return 0


if __name__ == "__main__":
    main()
