"""What a person sees: amounts and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from .config import TEER
from .ledgers import LEDGER, PARENTCHAIN, Holdings
from .network import Facts, WorkerFacts
from .ports import STANDARD_PORTS, STANDARD_WORKER_PORTS

DECIMALS: Final = 12
INDENT: Final = "  "
COLUMN: Final = 26


def teer(base_units: int) -> str:
    """All decimals, so that nothing hides: ``-0.010000000000``."""
    whole, rest = divmod(abs(base_units), TEER)
    return f"{'-' if base_units < 0 else ''}{whole:,}.{rest:0{DECIMALS}}"


def change(base_units: int) -> str:
    """With its sign; nothing for 0."""
    return "" if base_units == 0 else f"{'+' if base_units > 0 else ''}{teer(base_units)}"


def short(base_units: int, symbol: str = "TEER") -> str:
    """Without decimals that say nothing: ``99.5 TEER``."""
    return f"{teer(base_units).rstrip('0').rstrip('.')} {symbol}"


def holdings_table(now: Mapping[str, Holdings], before: Mapping[str, Holdings] | None = None) -> str:
    """Accounts with their funds on both ledgers, in TEER; with `before`, also what has changed."""
    lines = [INDENT + f"{'':10}{PARENTCHAIN:>{COLUMN}}{LEDGER:>{COLUMN}}"]
    for name, held in now.items():
        lines.append(INDENT + f"{name:10}{teer(held.parentchain):>{COLUMN}}{teer(held.private):>{COLUMN}}")
        if before is not None and held != before[name]:
            public = change(held.parentchain - before[name].parentchain)
            private = change(held.private - before[name].private)
            lines.append(INDENT + f"{'':10}{public:>{COLUMN}}{private:>{COLUMN}}".rstrip())
    return "\n".join(lines)


def ready_screen(
    facts: Facts,
    holdings: Mapping[str, Holdings],
    shielded: Mapping[str, int],
    seconds: float,
    folders: Sequence[Path] = (),
) -> str:
    """One screen that answers what there is, where it is, and what to type next.

    `shielded`: base units by name; `folders`: projects of apps, which commands must be told of.
    """
    money = "".join(
        f"\n  {name} has shielded {short(amount, facts.symbol)}, less the fee of 1/571."
        for name, amount in shielded.items()
    )
    return f"""
integritee devnet is ready after {seconds:.1f} s. No TEE protects this enclave: development only.

{holdings_table(holdings)}
{money}
  MRENCLAVE   {facts.mrenclave}
  shard       {facts.shard}
  vault       {facts.vault}{_enclave(facts)}
  parentchain {facts.node_url}{_targets(facts)}
{_workers(facts.workers)}
  data, logs  {facts.data_dir}

In another terminal:

{next_commands(facts, folders)}

Ctrl-C ends it."""


def _targets(facts: Facts) -> str:
    """Further chains, one a line."""
    urls = {"target-a": facts.target_a_url, "target-b": facts.target_b_url}
    lines = [f"\n  {name:11} {url}" for name, url in urls.items() if url is not None]
    return "".join(line + (", has the vault" if facts.shielding_target in line else "") for line in lines)


def _enclave(facts: Facts) -> str:
    """Of several workers, `--json` has the accounts."""
    return f"\n  enclave     {facts.workers[0].enclave_account}" if len(facts.workers) == 1 else ""


def _workers(workers: Sequence[WorkerFacts]) -> str:
    """Where they are; of several, one a line."""
    if len(workers) == 1:
        return f"  trusted RPC {workers[0].worker_url}\n  health      {workers[0].http_url}"
    numbered = enumerate(workers, 1)
    return "\n".join(f"  worker {number:<4} {worker.worker_url:20}  {worker.http_url}" for number, worker in numbered)


def next_commands(facts: Facts, folders: Sequence[Path] = ()) -> str:
    """Command lines that work with this set-up."""
    node, workers = facts.ports.node, [worker.ports.worker for worker in facts.workers]
    cli = _cli(node, workers[0])
    other_cli = _cli(node, workers[-1])
    vault_cli = _cli(urlsplit(facts.shielding_url).port or node, workers[0])
    commands = (
        f"{cli} trusted --direct transfer //Alice //Bob {TEER}",
        f"{other_cli} trusted --direct balance //Bob",
        f"{cli} trusted --direct unshield-funds //Bob //Charlie {TEER // 2}",
        f"{vault_cli} balance //Charlie",
    )
    apps = "".join(f" --app {folder}" for folder in folders)
    return "\n".join(INDENT + command for command in (*commands, *([f"{cli}{apps} trusted --help"] if apps else [])))


def _cli(node: int, worker: int) -> str:
    """The command line for a parentchain and a worker, by their ports."""
    return (
        "integritee cli"
        + ("" if node == STANDARD_PORTS.node else f" -p {node}")
        + ("" if worker == STANDARD_WORKER_PORTS.worker else f" -P {worker}")
    )
