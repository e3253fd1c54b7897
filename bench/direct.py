"""Direct calls and getters of one worker, each rate beside its bound of the same run: ``python -m bench.direct``.

- *direct calls*: shielded transfers end to end. Requests are composed, signed and shielded before the clock starts;
  what remains of the generator runs on the same cores. Beside them is the rate of raw RSA decryptions, taken before
  and after: neighbours of a virtual machine change what its cores do from one minute to the next, so there are some
  rounds of both, and all figures of direct calls are their means.
- *session calls*: the same under session envelopes, beside the rate of raw sr25519 verifications.
- *loaded getters*: signed `account_info` at an even rate while the worker takes as many transfers as it can, from a
  process of their own; latency counts from when a request was meant to leave.
- *CPU of a call*: what all processes together took for one, the generator's sending included; beside it that of one
  RSA decryption. Other than rates it does not depend on who else uses the machine.
- *call latency*: at half the rate of the direct calls, in a Poisson process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import mean
from typing import Any

from integritee.crypto import Sr25519Pair
from integritee.devnet.config import TEER, NetworkConfig
from integritee.devnet.ledgers import Ledgers, connect
from integritee.devnet.network import Facts, run_network
from integritee.load.fleet import Load, Outcome

from .cpu import cpu_seconds
from .latest import main
from .networks import config
from .saturated import ALICE, SECONDS, WARM_UP, capacity, getters, senders, together, transfers
from .shielding import decrypts_per_second
from .signatures import verifies_per_second

GETTERS_PER_SECOND = 100.0
BOUND_SECONDS = 2.0
ROUNDS = 4
MOST_SESSION_CALLS = 6000.0
"""Calls per second that are tried under session envelopes."""


async def measure() -> dict[str, Any]:
    """All figures: the start of a set-up for development, and the others of one network."""
    startup = await _startup()
    async with run_network(config()) as network:
        return {**await network.while_alive(_on_network(network.ready())), "startup_s": startup}


async def _startup() -> float:
    """Seconds from nothing to the first confirmed private transfer, at the pace of `integritee devnet`."""
    started = time.monotonic()
    async with run_network(NetworkConfig(auto_ports=True)) as network:
        await network.while_alive(_first_transfer(network.ready()))
        return round(time.monotonic() - started, 3)


async def _first_transfer(ready: Any) -> None:
    async with connect(await ready) as ledgers:
        await ledgers.shield(ALICE, 100 * TEER)
        await ledgers.transfer(ALICE, Sr25519Pair.from_uri("//Bob").public, TEER)


async def _on_network(ready: Any) -> dict[str, Any]:
    facts: Facts = await ready
    async with connect(facts) as ledgers:
        await ledgers.shield(ALICE, 100 * TEER)
        return {**await _direct(facts, ledgers), **await _sessions(facts, ledgers)}


async def _direct(facts: Facts, ledgers: Ledgers) -> dict[str, Any]:
    urls = [facts.worker_url]
    rsa, decrypt_ms = _decrypts()
    uris = await senders(ledgers, rsa * (WARM_UP + SECONDS))
    (idle,) = await together(getters(urls, uris, GETTERS_PER_SECOND))
    loaded, asked = await together(transfers(urls, uris, rsa), getters(urls, uris, GETTERS_PER_SECOND))
    rounds = await _rounds(urls, ledgers, rsa)
    calls = rounds["direct_calls_per_s"]
    uris = await senders(ledgers, calls * (WARM_UP + SECONDS))
    half = replace(transfers(urls, uris, calls / 2), schedule="poisson", in_flight=0)
    (unhurried,) = await together(half)
    return {
        **rounds,
        "rsa_decrypt_cpu_ms": decrypt_ms,
        "direct_calls_beside_getters_per_s": round(capacity(loaded), 1),
        "getter_loaded_p50_ms": _ms(asked, 0.5),
        "getter_loaded_p99_ms": _ms(asked, 0.99),
        "getter_p50_ms": _ms(asked, 0.5),
        "getter_p99_ms": _ms(asked, 0.99),
        "getter_loaded_lag_p99_ms": _lag_ms(asked),
        "getter_idle_p50_ms": _ms(idle, 0.5),
        "getter_idle_p99_ms": _ms(idle, 0.99),
        "call_p50_ms": _ms(unhurried, 0.5),
        "call_p99_ms": _ms(unhurried, 0.99),
    }


async def _rounds(urls: Sequence[str], ledgers: Ledgers, rsa: float) -> dict[str, Any]:
    """Means over rounds of direct calls, up to `rsa` per second; before and after each, of raw decryptions."""
    rates, costs, shares, bounds = [], [], [], [decrypts_per_second(BOUND_SECONDS)]
    for _ in range(ROUNDS):
        uris = await senders(ledgers, rsa * (WARM_UP + SECONDS))
        (alone,), call_ms = await _with_cpu(transfers(urls, uris, rsa))
        rates.append(capacity(alone))
        costs.append(call_ms)
        shares.append(alone.cpu)
        bounds.append(decrypts_per_second(BOUND_SECONDS))
    ratios = [2 * rate / (before + after) for rate, (before, after) in zip(rates, pairwise(bounds), strict=True)]
    known = [cost for cost in costs if cost is not None]
    return {
        "rsa_decrypts_per_s": round(mean(bounds), 1),
        "direct_calls_per_s": round(mean(rates), 1),
        "direct_calls_ratio": round(mean(ratios), 3),
        "direct_calls_ratios": [round(ratio, 3) for ratio in ratios],
        "direct_call_cpu_ms": round(mean(known), 3) if known else None,
        "direct_calls_generator_cpu": round(mean(shares), 3),
    }


async def _sessions(facts: Facts, ledgers: Ledgers) -> dict[str, Any]:
    urls = [facts.worker_url]
    bound = verifies_per_second(BOUND_SECONDS)
    uris = await senders(ledgers, MOST_SESSION_CALLS * (WARM_UP + SECONDS))
    (loaded,), call_ms = await _with_cpu(transfers(urls, uris, MOST_SESSION_CALLS, "session"))
    bound = (bound + verifies_per_second(BOUND_SECONDS)) / 2
    calls = capacity(loaded)
    return {
        "sr25519_verifies_per_s": round(bound, 1),
        "session_calls_per_s": round(calls, 1),
        "session_ratio": round(calls / bound, 3),
        "session_call_cpu_ms": call_ms,
        "session_generator_cpu": round(loaded.cpu, 3),
    }


async def _with_cpu(load: Load) -> tuple[list[Outcome], float | None]:
    """What came of a load, and the milliseconds of a core that each of its calls took from the start on."""
    before: list[float | None] = []

    async def note() -> None:
        before.append(cpu_seconds())

    outcomes = await together(load, at_start=note)
    after = cpu_seconds()
    if before[0] is None or after is None:
        return outcomes, None
    return outcomes, round(1000 * (after - before[0]) / sum(outcomes[0].calls.ended.values()), 3)


def _decrypts() -> tuple[float, float]:
    """RSA decryptions per second, and the milliseconds of a core that one takes."""
    began = time.process_time()
    rate = decrypts_per_second(BOUND_SECONDS)
    return rate, round(1000 * (time.process_time() - began) / (rate * BOUND_SECONDS), 3)


def _ms(outcome: Outcome, share: float) -> float:
    seconds = outcome.together(*outcome.counts).latency.quantile(share)
    assert seconds is not None
    return round(seconds * 1000, 3)


def _lag_ms(outcome: Outcome) -> float:
    return round(1000 * (outcome.lag.quantile(0.99) or 0.0), 3)


if __name__ == "__main__":
    main(lambda: asyncio.run(measure()))
