"""How fast the Sonar sandbox answers over real HTTP: it must never be what another benchmark measures.

A row is one node with all its scalars, nested ones counted; pages of 1,000; one server process on one core. The ratio
is rows per second ÷ 15,000; the limit measured in the same run is a bare aiohttp server on the same core that sends the
same bytes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from sandbox.sonar.types import SERVED
from tests.bench.entry import Entry

GOAL_ROWS_PER_SECOND = 15_000
PAGE = 1_000
ACCOUNTS = int(os.environ.get("ACCOUNTS", "3000"))

_NODE = b'"_version":'
"""Every node selects it exactly once, so counting it counts rows without parsing."""

_BARE = """
import sys
from aiohttp import web
bodies = [open(path, "rb").read() for path in sys.argv[1:]]
turn = 0
async def answer(request):
    global turn
    await request.read()
    turn += 1
    return web.Response(body=bodies[(turn - 1) % len(bodies)], content_type="application/json")
app = web.Application()
app.router.add_post("/", answer)
async def announce(app):
    print("ready", flush=True)
app.on_startup.append(announce)
web.run_app(app, host="127.0.0.1", port=int(sys.stdin.readline()), print=None, access_log=None)
"""


def _columns(type_name: str) -> str:
    return " ".join(SERVED.types[type_name].columns)


def _nested(name: str, type_name: str, inner: str = "") -> str:
    return f"{name}(paginator: {{page: 1, records_per_page: 500}}) {{ entities {{ {_columns(type_name)} {inner} }} }}"


PAYMENTS = f"""query($search: [Search]) {{ payments(
  search: $search, sorter: [{{attribute: "updated_at", direction: ASC}}, {{attribute: "id", direction: ASC}}]
  paginator: {{page: 1, records_per_page: {PAGE}}}
) {{ entities {{ {_columns("Payment")} }} page_info {{ total_count }} }} }}"""


def _whole(collection: str, type_name: str, inner: str, *, archived: bool = False) -> str:
    """Pages by id of a type's scalars with what is nested in it."""
    return f"""query($search: [Search]) {{ {collection}(
  {"include_archived: true, " if archived else ""}search: $search, sorter: [{{attribute: "id", direction: ASC}}]
  paginator: {{page: 1, records_per_page: {PAGE}}}
) {{ entities {{ {_columns(type_name)} {inner} }} page_info {{ total_count }} }} }}"""


ACCOUNT = _whole(
    "accounts",
    "Account",
    f"""account_status {{ {_columns("AccountStatus")} }}
  account_billing_parameter {{ {_columns("AccountBillingParameter")} }}
  {_nested("contacts", "Contact", _nested("phone_numbers", "PhoneNumber"))} {_nested("addresses", "Address")}
  {_nested("account_groups", "AccountGroup")} {_nested("custom_field_data", "CustomFieldData")}""",
    archived=True,
)
INVOICE = _whole(
    "invoices",
    "Invoice",
    f"""account {{ {_columns("Account")} }} {_nested("credits", "Credit")}
  {_nested("debits", "Debit", _nested("tax_transactions", "TaxTransaction"))}""",
)
TICKET = _whole(
    "tickets",
    "Ticket",
    f"""ticket_group {{ {_columns("TicketGroup")} }} {_nested("ticket_categories", "TicketCategory")}
  {_nested("ticket_recipients", "TicketRecipient")} {_nested("ticket_replies", "TicketReply")}
  {_nested("custom_field_data", "CustomFieldData")}""",
)
INVENTORY_ITEM = _whole(
    "inventory_items",
    "InventoryItem",
    f"""inventory_model {{ {_columns("InventoryModel")} }} {_nested("ip_assignments", "IpAssignment")}
  {_nested("inventory_model_field_data", "InventoryModelFieldData")}""",
)


class Client:
    """One kept-alive connection that does as little as a client can."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._path, self._token = parts.path or "/", token
        self._connection = HTTPConnection(parts.hostname, parts.port)

    def post(self, query: str, search: list[dict[str, Any]]) -> bytes:
        """One page's body."""
        body = json.dumps({"query": query, "variables": {"search": search}})
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._connection.request("POST", self._path, body, headers)
        return self._connection.getresponse().read()


def _after(order: str, last: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The keyset that continues after the last row read."""
    if last is None:
        return []
    beyond = [{"attribute": "id", "operator": "GT", "search_value": last["id"]}]
    if order == "id":
        return [{"integer_fields": beyond}]
    at = {"attribute": "updated_at", "search_value": last["updated_at"]}
    return [
        {"datetime_fields": [{**at, "operator": "GT"}]},
        {"datetime_fields": [{**at, "operator": "EQ"}], "integer_fields": beyond},
    ]


def crawl(client: Client, collection: str, query: str, order: str) -> tuple[list[bytes], float]:
    """All pages of a collection, and the seconds spent waiting for them."""
    bodies: list[bytes] = []
    waited, last = 0.0, None
    while True:
        search = _after(order, last)
        begun = time.perf_counter()
        body = client.post(query, search)
        waited += time.perf_counter() - begun
        entities = json.loads(body)["data"][collection]["entities"]
        if not entities:
            return bodies, waited
        bodies.append(body)
        last = entities[-1]


def replay(client: Client, bodies: list[bytes]) -> float:
    """Seconds to fetch the same bytes from the bare server."""
    begun = time.perf_counter()
    for body in bodies:
        received = client.post("{ }", [])
        assert len(received) == len(body)
    return time.perf_counter() - begun


@contextmanager
def sandbox(folder: Path) -> Iterator[tuple[str, str, psutil.Process]]:
    """A sandbox of its own on one core: (URL, token, process)."""
    token = folder / "token"
    command = [sys.executable, "-m", "sandbox.sonar", "--token-file", str(token), "--rate-limit", "0"]
    with _running([*command, "--accounts", str(ACCOUNTS)]) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        yield url, token.read_text().strip(), psutil.Process(process.pid)


@contextmanager
def bare(folder: Path, bodies: list[bytes]) -> Iterator[str]:
    """The bare server that sends `bodies` in turn."""
    paths = []
    for number, body in enumerate(bodies):
        paths.append(folder / f"body{number}")
        paths[-1].write_bytes(body)
    port = _free_port()
    with _running([sys.executable, "-c", _BARE, *map(str, paths)], stdin=f"{port}\n") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.3)  # the line comes just before it listens
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def _running(command: list[str], stdin: str = "") -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.flush()
        psutil.Process(process.pid).cpu_affinity([0])
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def measure(name: str, collection: str, query: str, order: str, folder: Path) -> Entry:
    """One entry of the table: the same crawl three times (A/A), then the bare server."""
    with sandbox(folder) as (url, token, process):
        client = Client(url, token)
        crawl(client, collection, query, order)  # warm: compiled, paged in
        rates, cpu = [], 0.0
        for _ in range(3):
            before = sum(process.cpu_times()[:2])
            bodies, seconds = crawl(client, collection, query, order)
            cpu = sum(process.cpu_times()[:2]) - before
            rows = sum(body.count(_NODE) for body in bodies)
            rates.append(rows / seconds)
    with bare(folder, bodies) as url:
        limit = rows / replay(Client(url, ""), bodies)
    best = max(rates)
    figures = {
        "rows": rows,
        "rows_per_second": round(best),
        "rows_per_cpu_second": round(rows / cpu) if cpu else 0,
        "bare_http_rows_per_second": round(limit),
        "bytes_per_row": round(sum(map(len, bodies)) / rows),
    }
    return Entry(name, round(best / GOAL_ROWS_PER_SECOND, 2), 1.0, round((best - min(rates)) / best, 3), figures)


def measure_all() -> list[Entry]:
    """All entries."""
    with tempfile.TemporaryDirectory() as folder:
        return [
            measure("sandbox.sonar.payments", "payments", PAYMENTS, "updated_at", Path(folder)),
            measure("sandbox.sonar.accounts_nested", "accounts", ACCOUNT, "id", Path(folder)),
            measure("sandbox.sonar.invoices_nested", "invoices", INVOICE, "id", Path(folder)),
            measure("sandbox.sonar.tickets_nested", "tickets", TICKET, "id", Path(folder)),
            measure("sandbox.sonar.inventory_nested", "inventory_items", INVENTORY_ITEM, "id", Path(folder)),
        ]
