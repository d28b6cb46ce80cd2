"""What a rebuild of the ledger says to people."""

from console.ledger import text_of

COUNTS = {"forgotten": {"customer": 2, "label": 1}, "adopted": {"customer": 3, "payment": 4}}


def test_a_dry_rebuild_shows_both_sides_and_how_to_do_it() -> None:
    text = text_of({"applied": False, **COUNTS})
    assert [line.split() for line in text.splitlines()[1:4]] == [
        ["customer", "2", "3"], ["label", "1", "0"], ["payment", "0", "4"],
    ]  # fmt: skip
    assert text.endswith("Nothing was changed. Do it with: crossfade ledger rebuild --apply")


def test_a_rebuild_that_was_done_says_what_comes_next() -> None:
    assert "The next sink plays the topics from their beginning" in text_of({"applied": True, **COUNTS})
