"""The end of a chunked answer, as the prober finds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halab.prober.response import Chunks


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=5), st.data())
def test_chunks_end_where_they_end(parts: list[bytes], data: st.DataObject) -> None:
    """RFC 9112 section 7.1, in whatever pieces they come."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    chunks, left = Chunks(), body
    while left:
        size = data.draw(st.integers(1, len(left)))
        piece, left = left[:size], left[size:]
        assert chunks.take(piece) == (not left)


def test_what_is_no_chunk_is_an_error() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Chunks().take(b"chunk\r\n")
