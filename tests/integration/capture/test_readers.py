"""Others read our topics: the consumer of the docs page, in another language, as it stands there."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from sandbox.local.library import library
from tests.integration.capture.conftest import Site

PAGE = Path(__file__).parents[3] / "docs" / "read-the-topics.md"


def test_the_consumer_of_the_docs_page_folds_a_topic_as_we_do(make_site: Callable[..., Site], tmp_path: Path) -> None:
    site = make_site(accounts=3)
    site.capture()
    site.change("update", "Payment", id=2, columns={"amount": 4711})
    site.change("delete", "Payment", id=1)
    site.capture()
    found = re.search(r"```java\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    source = tmp_path / "Read.java"
    source.write_text(found[1], encoding="utf-8")
    jars = library()
    classes = f"{jars / 'kafka'}/*:{jars / 'registry' / 'lib'}/*"
    command = [
        "java", "-XX:TieredStopAtLevel=1", "-cp", classes, str(source), site.settings.kafka.bootstrap,
        site.settings.registry.url, site.topics.sonar("payment"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    shown = {one["id"]: one["amount"] for one in map(json.loads, done.stdout.splitlines())}
    folded = {id: event.after["amount"] for id, event in site.folded("payment").items() if event.after is not None}
    assert shown == folded
    assert shown[2] == 4711
