"""Every process answers /metrics, /healthz and /readyz."""

import asyncio
import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry, Gauge

from plumbing.errors import ConfigurationError
from plumbing.health import HealthServer


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_health_and_readiness_name_what_is_wrong() -> None:
    wrong: dict[str, str] = {}
    with HealthServer("127.0.0.1", 0, alive=lambda: wrong, ready=lambda: {"lease": "not held"}) as server:
        assert get(server.port, "/healthz")[0] == 200
        wrong["loop"] = "no progress"
        status, body = get(server.port, "/healthz")
        assert (status, json.loads(body)) == (503, {"wrong": {"loop": "no progress"}})
        assert get(server.port, "/readyz")[0] == 503
        assert get(server.port, "/else")[0] == 404


def test_a_port_that_is_taken_is_told_with_the_settings_that_name_it() -> None:
    with (
        HealthServer("127.0.0.1", 0) as first,
        pytest.raises(ConfigurationError, match=rf"at 127\.0\.0\.1:{first.port}: Address already in use") as caught,
    ):
        HealthServer("127.0.0.1", first.port)
    assert "http.sink_port" in caught.value.next_step


def test_metrics_are_prometheus_text() -> None:
    registry = CollectorRegistry()
    Gauge("crossfade_try", "A gauge.", registry=registry).set(3)
    with HealthServer("127.0.0.1", 0, registry=registry) as server:
        status, body = get(server.port, "/metrics")
    assert status == 200
    assert "crossfade_try 3.0" in body


def test_metrics_are_refreshed_before_they_are_told() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("crossfade_try", "A gauge.", registry=registry)
    with HealthServer("127.0.0.1", 0, refresh=lambda: gauge.set(5), registry=registry) as server:
        assert "crossfade_try 5.0" in get(server.port, "/metrics")[1]


async def test_a_loop_that_hangs_is_told_by_the_thread_beside_it() -> None:
    with HealthServer("127.0.0.1", 0, patience_seconds=0.2) as server, ThreadPoolExecutor(1) as beside:
        await asyncio.sleep(0.5)
        assert (await asyncio.to_thread(get, server.port, "/healthz"))[0] == 200

        def look() -> list[int]:
            time.sleep(0.5)
            return [get(server.port, path)[0] for path in ("/healthz", "/readyz")]

        looked = beside.submit(look)
        assert looked.result() == [503, 503]  # waiting for it is what blocks the loop
        await asyncio.sleep(0.1)
        assert (await asyncio.to_thread(get, server.port, "/healthz"))[0] == 200
