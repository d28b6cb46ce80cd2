"""Others read our topics: the consumer of the docs page, in another language, as it stands there."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plumbing.kafka import AckedProducer, make_producer
from sandbox.local.library import library
from tests.integration.capture.conftest import Site, wait_until

PAGE = Path(__file__).parents[3] / "docs" / "read-the-topics.md"


def test_the_consumer_of_the_docs_page_folds_a_topic_as_we_do(make_site: Callable[..., Site], tmp_path: Path) -> None:
    site = make_site(accounts=3)
    site.capture()
    site.change("update", "Payment", id=2, columns={"amount": 4711})
    site.change("delete", "Payment", id=1)
    site.capture()
    publish_the_first_event_again(site, payment=2)
    site.change("update", "Payment", id=2, columns={"amount": 4712})  # behind it, in its partition
    site.capture()
    found = re.search(r"```java\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    source, shown, said = (tmp_path / name for name in ("Read.java", "shown", "said"))
    source.write_text(found[1], encoding="utf-8")
    jars = library()
    command = [
        "java", "-XX:TieredStopAtLevel=1", "-cp", f"{jars / 'kafka'}/*:{jars / 'registry' / 'lib'}/*", str(source),
        site.settings.kafka.bootstrap, site.settings.registry.url, site.topics.sonar("payment"),
    ]  # fmt: skip
    folded = {id: event.after["amount"] for id, event in site.folded("payment").items() if event.after is not None}
    assert folded[2] == 4712

    def is_read_to_its_end() -> bool:
        assert reader.poll() is None, said.read_text()
        newest = {one["source"]["sonar_id"]: one["after"] for one in events_in(shown)}
        return {id: after["amount"] for id, after in newest.items() if after is not None} == folded

    with shown.open("w") as out, said.open("w") as err, subprocess.Popen(command, stdout=out, stderr=err) as reader:
        try:
            wait_until(is_read_to_its_end, seconds=90)
        finally:
            reader.terminate()
    of_one = [one["after"]["amount"] for one in events_in(shown) if one["source"]["sonar_id"] == 2]
    assert of_one[1:] == [4711, 4712]  # and what is older than they are is not shown again


def publish_the_first_event_again(site: Site, payment: int) -> None:
    """It comes late, as what another partition had before a move does."""
    topic = site.topics.sonar("payment")
    both = zip(site.messages(topic), site.events("payment"), strict=True)
    first = next(message for message, event in both if event.sonar_id == payment)
    producer = AckedProducer(make_producer(site.settings.kafka))
    producer.produce(topic, partition=first.partition() or 0, key=first.key() or b"", value=first.value() or b"")
    producer.flush()


def events_in(shown: Path) -> list[dict[str, Any]]:
    """What it has shown so far; the last line may be half written."""
    *lines, _ = shown.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines]
