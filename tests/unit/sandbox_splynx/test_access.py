"""The signature, and what is sealed."""

import pytest

from sandbox.splynx.access import signature
from sandbox.splynx.vault import Vault


def test_a_signature_is_an_upper_case_hmac_over_nonce_then_key() -> None:
    # Computed with: printf 1234567890key | openssl dgst -sha256 -hmac secret
    assert signature("1234567890", "key", "secret") == (
        "6EE8A2CF315CDEBD5883D14A5A43AFADE116D5059B5B8E6AF38C5ED5B1E1C0E3"
    )


@pytest.mark.parametrize("text", ["", "pass word", "ünï 🦀", "x" * 200])
def test_what_is_sealed_opens_with_the_same_key_only(text: str) -> None:
    sealed = Vault("one").seal(text)
    assert len(sealed) <= 512
    assert Vault("one").open(sealed) == text
    if text:
        assert text not in sealed
        assert Vault("two").open(sealed) != text


@pytest.mark.parametrize("raw", ["plain", "v1:***", ""])
def test_what_was_not_sealed_here_opens_as_nothing(raw: str) -> None:
    assert Vault("one").open(raw) == ""
