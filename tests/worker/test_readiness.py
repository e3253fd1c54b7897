"""When a worker is ready, and what keeps it from being so; the same over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from integritee.boundary.messages import EnclaveStatus
from integritee.primitives.ids import ParentchainId
from integritee.worker.http import health_app
from integritee.worker.readiness import MIN_SILENCE, SILENT_SLOTS, Feed, PeerView, Readiness, readiness

from .statuses import chain_status, enclave_status

INTEGRITEE, TARGET_B = ParentchainId.Integritee, ParentchainId.TargetB
FEED = Feed("Integritee", "ws://a:1", 101)
FEED_B = Feed("TargetB", "wss://b:2", 7)
STATUS = enclave_status(chain_status())
SHARED = enclave_status(chain_status(), authorities=3, is_primary=True, unconfirmed=7, reverted=2, waiting_blocks=1)
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
    "beside others, the first block to come": (
        SHARED,
        [FEED],
        None,
        1000,
        ["no block produced or imported yet"],
    ),
    "beside others, silent": (SHARED, [FEED], 99.0, 1000, ["no block produced or imported for 99 s"]),
    "waiting to be provisioned": (
        enclave_status(chain_status(), phase="awaiting_state", authorities=2),
        [FEED],
        None,
        1000,
        ["phase awaiting_state", "no block produced or imported yet"],
    ),
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
        "validateers": 0,
        "primary": False,
        "unconfirmed_blocks": 0,
        "reverted_blocks": 0,
        "waiting_blocks": 0,
        "peers": {},
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


def test_everything_about_a_shared_shard() -> None:
    peers = [PeerView("5A", "wss://a:2000", True, 0.51234), PeerView("5B", "wss://b:2000", False, 0.0)]
    view = readiness(SHARED, [FEED], 0.1, 1000, peers).view
    del view["parentchains"]
    assert view == {
        "phase": "running",
        "sidechain_block": 500,
        "confirmed_block": 450,
        "validateers": 3,
        "primary": True,
        "unconfirmed_blocks": 7,
        "reverted_blocks": 2,
        "waiting_blocks": 1,
        "peers": {
            "5A": {"url": "wss://a:2000", "up": True, "score": 0.512},
            "5B": {"url": "wss://b:2000", "up": False, "score": 0.0},
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
