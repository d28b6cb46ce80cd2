"""Sealed values: what they show, what opens them, what does not."""

import base64

import pytest

from plumbing.sealing import NotOpened, Sealer, is_sealed
from plumbing.settings import SecretsSettings

FIRST, SECOND = (f"{name}={base64.b64encode(bytes([at]) * 64).decode()}" for at, name in enumerate(("one", "two")))
PLACE = "RadiusAccount.password:17"


@pytest.mark.parametrize("value", ["", "s3cret", "pässwörd \U0001f600", "sealed:1:one:AAAA", "x" * 5000])
def test_a_sealed_value_opens_and_does_not_show_what_it_is(value: str) -> None:
    sealed = Sealer.of(FIRST).seal(value, PLACE)
    assert is_sealed(sealed)
    assert sealed.startswith("sealed:1:one:")
    assert not value or value not in sealed
    assert Sealer.of(FIRST).open(sealed, PLACE) == value


def test_the_same_value_is_the_same_text_in_one_place_only() -> None:
    sealer = Sealer.of(FIRST)
    assert sealer.seal("s", PLACE) == sealer.seal("s", PLACE)
    assert len({sealer.seal("s", PLACE), sealer.seal("s", "RadiusAccount.password:18"), sealer.seal("t", PLACE)}) == 3


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    old, both = Sealer.of(FIRST).seal("s", PLACE), Sealer.of(f"{SECOND}, {FIRST}")
    assert both.open(old, PLACE) == "s"
    assert both.seal("s", PLACE).startswith("sealed:1:two:")
    with pytest.raises(NotOpened, match="the key one, which is not among"):
        Sealer.of(SECOND).open(old, PLACE)


@pytest.mark.parametrize("what", ["moved", "changed", "plain", "another key of that name"])
def test_what_was_moved_or_changed_does_not_open_and_is_not_shown(what: str) -> None:
    sealer, sealed, place = Sealer.of(FIRST), Sealer.of(FIRST).seal("s3cret", PLACE), PLACE
    if what == "moved":
        place = "RadiusAccount.password:18"
    elif what == "changed":
        sealed = sealed[:-4] + ("AAA=" if sealed.endswith("=") else "AAAA")
    elif what == "plain":
        sealed = "s3cret"
    else:
        sealer = Sealer.of(SECOND.replace("two", "one"))
    with pytest.raises(NotOpened) as refused:
        sealer.open(sealed, place)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("", "entry 1 is not ID=KEY"),
        (f"{FIRST},hunter2", "entry 2 is not ID=KEY"),
        ("one=aHVudGVyMg==", "the key one is not of 64 bytes"),
        (f"{FIRST},{FIRST}", "the key one is there twice"),
    ],
)
def test_keys_that_are_none_are_refused_without_being_shown(keys: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        Sealer.of(keys)
    assert "hunter2" not in str(refused.value)
    assert "aHVudGVyMg" not in str(refused.value)


def test_nothing_is_carried_without_a_key() -> None:
    assert SecretsSettings().sealer is None
    with pytest.raises(ValueError, match=r"secrets.carry needs secrets.keys"):
        SecretsSettings(carry=["radius_passwords"])


def test_the_keys_are_in_no_text_of_the_sealer_and_of_the_settings() -> None:
    settings = SecretsSettings.model_validate({"carry": ["radius_passwords"], "keys": FIRST})
    assert FIRST.partition("=")[2] not in f"{settings!r} {settings.sealer!r}"
