"""The Sonar sandbox, asked over HTTP, keeps what the suite of `tests/contract/sonar.py` promises."""

import json
import urllib.request
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from clients.sonar import SonarClient
from plumbing.settings import SonarSettings
from plumbing.shares import whole
from sandbox.local.sandboxes import SonarSandbox
from tests.contract.sonar import SonarContract


class OverHttp:
    """A process of its own, and the real client."""

    def __init__(self, client: SonarClient, control: str) -> None:
        self.client, self._control = client, control

    def deny(self, field: str) -> None:
        fault = {"kind": "permission", "field": field, "count": None}
        request = urllib.request.Request(f"{self._control}/faults", data=json.dumps(fault).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status < 300


class TestSandbox(SonarContract):
    @pytest.fixture
    async def sonar(self, start_sonar: Callable[..., SonarSandbox]) -> AsyncIterator[OverHttp]:
        sandbox = start_sonar(accounts=60)  # enough for every oddity, archived accounts among them
        settings = SonarSettings(url=sandbox.url, token=SecretStr(sandbox.token), requests_per_minute=6000)
        async with SonarClient(settings, whole, attempts=1) as client:
            yield OverHttp(client, sandbox.control)
