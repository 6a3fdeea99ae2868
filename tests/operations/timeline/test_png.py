"""The PNG: its size, that it shows something, and that it is the same each time."""

from __future__ import annotations

import struct
import zlib
from functools import cache
from xml.etree import ElementTree

from operations.timeline.chart import chart
from operations.timeline.drawing import stacked
from operations.timeline.overview import overview
from operations.timeline.png import SCALE, png, timeline_png
from tests.given.timeline import MEASURED, phoenix

SCHEDULE = phoenix(measured=MEASURED)


@cache
def rendered() -> bytes:
    return timeline_png(SCHEDULE)


def decoded(image: bytes) -> tuple[int, int, bytes]:
    """Width, height and the raw, still filtered rows of a PNG with 8-bit RGBA. Checks each chunk's sum."""
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    place, data, head = 8, b"", b""
    while place < len(image):
        length, kind = struct.unpack(">I4s", image[place : place + 8])
        content = image[place + 8 : place + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(image[place + 8 + length : place + 12 + length], "big")
        head = content if kind == b"IHDR" else head
        data += content if kind == b"IDAT" else b""
        place += 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", head[:10])
    assert (depth, colour) == (8, 6)
    return width, height, zlib.decompress(data)


def test_it_has_both_pictures_at_twice_their_size() -> None:
    width, height, rows = decoded(rendered())
    svg = ElementTree.fromstring(stacked([overview(SCHEDULE.settings), chart(SCHEDULE)]))  # noqa: S314
    assert (width, height) == (SCALE * int(svg.get("width", "")), SCALE * int(svg.get("height", "")))
    assert len(rows) == height * (width * 4 + 1)
    # Text and bars in both halves: far more than a ground of one colour packs into.
    for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        assert len(zlib.compress(half)) > 50_000


def test_it_is_the_same_bytes_each_time() -> None:
    assert rendered() == timeline_png(phoenix(measured=MEASURED))


def test_text_is_drawn_without_any_font_of_the_machine_and_bold_text_differs() -> None:
    def drawn(text: str) -> bytes:
        return decoded(png(f'<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20">{text}</svg>'))[2]

    plain, bold = (
        drawn(f'<text y="15" font-size="14" font-weight="{weight}" font-family="no such font, sans-serif">jobs</text>')
        for weight in (400, 600)
    )
    assert len({drawn(""), plain, bold}) == 3
    assert sum(bold) > sum(plain)
