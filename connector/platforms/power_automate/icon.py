"""The icon: a speech bubble with a contact in it, drawn and written as PNG without any library of pictures."""

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from math import hypot

COLOUR = "#1972F5"
# Pixels a side, and shades from the background to white: four bits each.
_SIDE, _SHADES = 128, 16


@cache
def icon() -> bytes:
    """A PNG. What it holds is stored without compression: the same bytes whatever zlib is installed."""
    back = bytes.fromhex(COLOUR[1:])
    mixed = ((low + (255 - low) * shade // (_SHADES - 1) for low in back) for shade in range(_SHADES))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 4, 3, 0, 0, 0)
    palette = bytes(part for shade in mixed for part in shade)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", _stored(_rows())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _stored(data: bytes) -> bytes:
    """A zlib stream of one block, as it is; 65,535 bytes at most (RFC 1951, 3.2.4)."""
    return (
        b"\x78\x01\x01"
        + struct.pack("<HH", len(data), 0xFFFF ^ len(data))
        + data
        + struct.pack(">I", zlib.adler32(data))
    )


def _rows() -> bytes:
    return b"".join(b"\0" + bytes(_pairs(y)) for y in range(_SIDE))


def _pairs(y: int) -> Iterator[int]:
    for x in range(0, _SIDE, 2):
        yield _shade(x, y) << 4 | _shade(x + 1, y)


def _shade(x: int, y: int) -> int:
    """How white a pixel is: in the bubble or its tip, and in none of the parts of the contact."""
    bubble = max(_inside(each, x, y) for each in (_box, _tip))
    contact = max(_inside(each, x, y) for each in (_head, _shoulders))
    return round((_SHADES - 1) * bubble * (1 - contact))


def _inside(distance: Callable[[float, float], float], x: int, y: int) -> float:
    return min(1.0, max(0.0, 0.5 - distance(x + 0.5, y + 0.5)))


def _box(x: float, y: float) -> float:
    """How far a point is outside a rectangle with round corners."""
    across, down = abs(x - 64) - 30, abs(y - 56) - 20
    return hypot(max(across, 0), max(down, 0)) + min(max(across, down), 0) - 14


def _tip(x: float, y: float) -> float:
    return max(abs(x - 64) - (106 - y) * 0.7, 84 - y, y - 106)


def _head(x: float, y: float) -> float:
    return hypot(x - 64, y - 46) - 11


def _shoulders(x: float, y: float) -> float:
    return max(hypot((x - 64) * 0.75, y - 78) - 16, y - 78)
