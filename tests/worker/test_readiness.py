"""When a worker is ready, and what keeps it from being so; the same over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from integritee.boundary.messages import EnclaveStatus
from integritee.primitives.ids import ParentchainId
from integritee.worker.http import health_app
from integritee.worker.readiness import MIN_SILENCE, SILENT_SLOTS, Feed, Readiness, readiness

from .statuses import chain_status, enclave_status

INTEGRITEE, TARGET_B = ParentchainId.Integritee, ParentchainId.TargetB
FEED = Feed("Integritee", "ws://a:1", 101)
FEED_B = Feed("TargetB", "wss://b:2", 7)
STATUS = enclave_status(chain_status())
BOTH = enclave_status(chain_status(), chain_status(TARGET_B, trust="unproven", number=7, processed=7))

CASES: dict[str, tuple[EnclaveStatus | None, list[Feed], float | None, int, list[str]]] = {
    "all is well": (STATUS, [FEED], 0.5, 1000, []),
    "two chains": (BOTH, [FEED, FEED_B], 0.5, 1000, []),
    "no enclave": (None, [FEED], 0.5, 1000, ["the enclave does not answer"]),
    "onboarding": (
        enclave_status(chain_status(), phase="registering"),
        [FEED],
        None,
        1000,
        ["phase registering", "no block produced yet"],
    ),
    "halted": (
        enclave_status(chain_status(), phase="halted:enclave.state_rolled_back"),
        [FEED],
        1.0,
        1000,
        ["phase halted:enclave.state_rolled_back"],
    ),
    "first block to come": (STATUS, [FEED], None, 1000, ["no block produced yet"]),
    "silent": (STATUS, [FEED], MIN_SILENCE + 5, 1000, [f"no block produced for {MIN_SILENCE + 5:.0f} s"]),
    "just not silent": (STATUS, [FEED], MIN_SILENCE, 100, []),
    "long slots": (STATUS, [FEED], 6.0 * SILENT_SLOTS, 6000, []),
    "no connection": (STATUS, [Feed("Integritee", "ws://a:1", None)], 0.5, 1000, ["Integritee is not connected"]),
    "stale": (enclave_status(chain_status(is_stale=True)), [FEED], 0.5, 1000, ["Integritee is stale"]),
    "the second one is stale": (
        enclave_status(chain_status(), chain_status(TARGET_B, is_stale=True)),
        [FEED, FEED_B],
        0.5,
        1000,
        ["TargetB is stale"],
    ),
    "the second one is still to come": (
        STATUS,
        [FEED, Feed("TargetB", None, None)],
        0.5,
        1000,
        ["TargetB is not connected", "TargetB is not known to the enclave yet"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_reasons(case: str) -> None:
    status, feeds, silence, slot_ms, reasons = CASES[case]
    found = readiness(status, feeds, silence, slot_ms)
    assert found.reasons == reasons
    assert found.is_ready == (not reasons)
    assert set(found.view["parentchains"]) == {feed.name for feed in feeds}


def test_everything_about_a_chain() -> None:
    status = enclave_status(chain_status(needed_funds=2**100, outbox=2, refused=1))
    assert readiness(status, [FEED], 0.1, 1000).to_json() == {
        "ready": True,
        "reasons": [],
        "phase": "running",
        "sidechain_block": 500,
        "confirmed_block": 450,
        "parentchains": {
            "Integritee": {
                "connected": True,
                "endpoint": "ws://a:1",
                "finalized_block": 101,
                "finality": "grandpa",
                "verified_block": 100,
                "processed_block": 99,
                "stale": False,
                "needed_funds": str(2**100),
                "outbox": 2,
                "refused_extrinsics": 1,
            }
        },
    }


def test_the_relay_chain_of_a_parachain() -> None:
    feed = Feed("Integritee", "ws://a:1", 101, "wss://relay:1")
    chains = readiness(enclave_status(chain_status(trust="relay")), [feed], 0.1, 1000).view["parentchains"]
    assert (chains["Integritee"]["finality"], chains["Integritee"]["relay_endpoint"]) == ("relay", "wss://relay:1")


def test_what_finality_began_with() -> None:
    status = enclave_status(chain_status(trust="relay", checkpoint=b"\xab" * 32, relay_number=77))
    chains = readiness(status, [FEED], 0.1, 1000).view["parentchains"]
    assert (chains["Integritee"]["checkpoint"], chains["Integritee"]["relay_block"]) == ("0x" + "ab" * 32, 77)


async def ask(path: str, found: Readiness, is_initialized: bool = True, is_alive: bool = True) -> tuple[int, str]:
    async def current() -> Readiness:
        return found

    async def alive() -> bool:
        return is_alive

    app = health_app(lambda: is_initialized, current, alive)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(path)
        return answer.status, await answer.text()


GOOD = readiness(STATUS, [FEED], 0.5, 1000)
BAD = readiness(STATUS, [FEED], None, 1000)


@pytest.mark.parametrize(
    "path, facts, answer",
    [
        ("/is_initialized", {}, (200, "I am initialized.")),
        ("/is_initialized", {"is_initialized": False}, (404, "")),
        ("/healthz", {}, (200, "ok")),
        ("/healthz", {"is_alive": False}, (503, "the enclave does not answer")),
        ("/readyz", {}, (200, json.dumps(GOOD.to_json()))),
        ("/readyz", {"found": BAD}, (503, json.dumps(BAD.to_json()))),
    ],
)
async def test_answers(path: str, facts: dict[str, Any], answer: tuple[int, str]) -> None:
    assert await ask(path, **{"found": GOOD} | facts) == answer


async def test_nothing_else_is_served() -> None:
    assert (await ask("/", GOOD))[0] == 404
