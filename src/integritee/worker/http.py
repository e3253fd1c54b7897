"""What operators and supervisors ask over HTTP: `/is_initialized`, `/readyz`, `/healthz` and `/metrics`.

Paths, answers and metric names of the first and the last: worker `service/src/initialized_service.rs`,
`prometheus_metrics.rs`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from .errors import PortUnavailable
from .readiness import Readiness


def health_app(
    is_initialized: Callable[[], bool],
    readiness: Callable[[], Awaitable[Readiness]],
    is_alive: Callable[[], Awaitable[bool]],
) -> web.Application:
    """`/is_initialized`: 200 ``I am initialized.`` once the worker has served, 404 before. `/readyz`: whether it
    does, 200 or 503 with details as JSON. `/healthz`: whether host and enclave answer at all, 200 or 503."""

    async def initialized(_: web.Request) -> web.Response:
        if is_initialized():
            return web.Response(text="I am initialized.")
        return web.Response(status=404)

    async def ready(_: web.Request) -> web.Response:
        found = await readiness()
        return web.json_response(found.to_json(), status=200 if found.is_ready else 503)

    async def alive(_: web.Request) -> web.Response:
        if await is_alive():
            return web.Response(text="ok")
        return web.Response(status=503, text="the enclave does not answer")

    app = web.Application()
    app.router.add_route("*", "/is_initialized", initialized)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/healthz", alive)
    return app


def metrics_app(exposition: Callable[[], Awaitable[bytes]]) -> web.Application:
    """Prometheus text."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=await exposition(), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.router.add_get("/metrics", answer)
    return app


async def serve(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Listen; the runner to clean up and the port (for port 0). Raises PortUnavailable."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as failed:
        await runner.cleanup()
        raise PortUnavailable(host, port, failed.strerror or str(failed)) from None
    return runner, int(runner.addresses[0][1])
