"""Messages that can never be read: set aside with a dead letter each, and a later good one of the key supersedes."""

import random

import pytest

from tests.faults.history import history
from tests.faults.seeds import seeds
from tests.faults.sink_site import SinkSite, alarm
from tests.faults.target import assert_same

POISON: tuple[bytes | None, ...] = (
    b"\x07not avro",  # another magic byte
    b"\x00\x7f\xff\xff\xff\x02",  # a schema id that nobody registered
    b"\x00\x00\x00",  # cut off in the id
    b"",
    None,
)


@pytest.mark.fault(13)
@seeds(30, guards={"poison gets its dead letter": 1, "an outcome is kept of poison too": 1})
async def test_poison_is_set_aside_and_everything_else_arrives(sink_site: SinkSite, seed: int) -> None:
    expected = await sink_site.after_nothing(seed)
    chance = random.Random(seed)
    told = history(seed)
    sink_site.play([])
    sent = 0
    for one in told:
        if chance.random() < 0.4:
            sent += 1
            sink_site.raw(one.aggregate, one.owner, chance.choice([*POISON, sink_site.cut_off(one)]))
        sink_site.add([one])
    codes = "avro.undecodable"
    before = sum(alarm("crossfade_dead_letters_total", stage="sink", entity=e, code=codes) for e in ENTITIES)
    letters = sink_site.dead_letters()
    await sink_site.run()
    after = sum(alarm("crossfade_dead_letters_total", stage="sink", entity=e, code=codes) for e in ENTITIES)
    assert sent
    assert (after - before, sink_site.dead_letters() - letters) == (sent, sent)
    assert_same(sink_site.picture(), expected)
    await sink_site.assert_each_offset_has_one_outcome()


ENTITIES = ("company", "account_group", "account_type", "account", "payment")
