"""What operators and supervisors ask over HTTP: `/is_initialized` and `/metrics`.

Paths, answers and metric names: worker `service/src/initialized_service.rs`, `prometheus_metrics.rs`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from .errors import PortUnavailable
from .metrics import Metrics


def initialized_app(is_initialized: Callable[[], bool]) -> web.Application:
    """200 ``I am initialized.`` once the worker serves, 404 before."""

    async def answer(_: web.Request) -> web.Response:
        if is_initialized():
            return web.Response(text="I am initialized.")
        return web.Response(status=404)

    app = web.Application()
    app.router.add_route("*", "/is_initialized", answer)
    return app


def metrics_app(metrics: Metrics, refresh: Callable[[], Awaitable[None]]) -> web.Application:
    """Prometheus text; `refresh` brings the gauges up to date."""

    async def answer(_: web.Request) -> web.Response:
        await refresh()
        return web.Response(body=metrics.exposition(), content_type="text/plain", charset="utf-8")

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
