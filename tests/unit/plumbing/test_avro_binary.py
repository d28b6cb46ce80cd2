"""Single values are written as Avro's own writer writes them."""

import io
from typing import Any

import fastavro
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plumbing.avro_binary import number, text, whole

LEAST, MOST = -(2**63), 2**63 - 1


def written(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


@given(st.integers(LEAST, MOST) | st.sampled_from([sign * 2**bits for bits in range(63) for sign in (1, -1)]))
@example(LEAST)
@example(MOST)
@example(2**13 - 1)
@example(-(2**13))
def test_a_whole_number_has_the_bytes_of_a_long(number: int) -> None:
    assert whole(number) == written("long", number)


@pytest.mark.parametrize("number", [LEAST - 1, MOST + 1, 10**30])
def test_a_number_of_more_than_64_bits_is_refused(number: int) -> None:
    with pytest.raises(OverflowError):
        whole(number)


@given(st.floats())
def test_a_number_with_a_point_has_the_bytes_of_a_double(value: float) -> None:
    assert number(value) == written("double", value)


@given(st.text() | st.sampled_from([size * "é" for size in (31, 32, 4095, 4096, 8191, 8192, 200_000)]))
def test_a_text_has_the_bytes_of_a_string(value: str) -> None:
    assert text(value) == written("string", value)
