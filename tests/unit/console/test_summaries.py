"""What a command did reads as what it did, and what it only showed says how to do it."""

from console.summaries import capture_text, process_text, sink_text, topics_text

TOPICS = {
    "topics": [{"name": "sonar.m.account", "partitions": 6}],
    "subjects": ["s"],
    "protect": ["p"],
    "put_right": [{"topic": "t", "setting": "cleanup.policy", "has": "compact", "wanted": "delete"}],
}
SINK = {
    "records": {"customer": {"applied": 2}}, "steps": {"customer": {"create": 3}}, "fields": ["customers.sonar_id"],
    "labels": [], "adoptions": {}, "others": 0,
}  # fmt: skip
CAPTURE = {
    "snapshot": {"account": (30, None)},
    "requests": 4,
    "seconds": 1.26,
    "signal_id": None,
    "missing": {},
    "standing": {},
}


def test_what_would_be_created_says_how() -> None:
    shown = topics_text({"applied": False, **TOPICS})
    assert "Would create topic sonar.m.account (6 partitions)\nWould set cleanup.policy of topic t to delete" in shown
    assert "it was compact\nWould register s\nWould protect p" in shown
    assert "crossfade topics --apply" in shown
    assert "--apply" not in topics_text({"applied": True, **TOPICS})
    assert topics_text({"applied": False, **dict.fromkeys(TOPICS, ())}).startswith("All topics")


def test_a_dry_sink_counts_steps_and_a_real_one_outcomes() -> None:
    assert "customer  create   3" in sink_text({"applied": False, **SINK})
    assert "crossfade sink --apply" in sink_text({"applied": False, **SINK})
    assert "customer  applied  2" in sink_text({"applied": True, **SINK})


def test_a_dry_sink_tells_what_must_be_approved_first() -> None:
    assert "--approve" not in sink_text({"applied": False, **SINK})
    assert "12 customers are in this Splynx already" in sink_text({"applied": False, **SINK, "others": 12})
    lost = sink_text({"applied": False, **SINK, "adoptions": {"customer": 12, "payment": 40}, "others": 12})
    assert "12 of customer, 40 of payment; see crossfade plan, then --approve adoption" in lost
    assert "--approve target" not in lost


def test_a_snapshot_tells_what_sonar_could_not_count_and_who_does_it_instead() -> None:
    assert "account    30    ?" in capture_text(CAPTURE)
    assert "4 requests in 1.3 s" in capture_text(CAPTURE)
    assert "Another process" in capture_text({**CAPTURE, "snapshot": {}, "signal_id": "a1"})
    handed = capture_text({**CAPTURE, "missing": {"account": "40, 41"}, "signal_id": "a1"})
    assert "Sonar has no account 40, 41\nRead by the process that captures" in handed


def test_processors_tell_what_they_set_aside() -> None:
    assert "account    5         1" in process_text({"produced": {"account": 5}, "dead_lettered": {"account": 1}})
