"""How large a picture is by its own header. Nothing is drawn or unpacked for it."""

from typing import Literal

_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_JPEG = b"\xff\xd8"
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG's parts that tell the size."""
_PARTS = {*range(0xC0, 0xFF)} - {*range(0xD0, 0xDA)}
"""Those that may stand before it. A part after another marker is read in several ways, so there are no others here."""


def picture_size(content: bytes, *, media_type: Literal["image/png", "image/jpeg"]) -> tuple[int, int] | None:
    """Width and height in pixels, each at least 1; None for what is no such picture."""
    found = _png(content) if media_type == "image/png" else _jpeg(content)
    return found if found is not None and min(found) > 0 else None


def _png(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(_PNG) or len(content) < len(_PNG) + 8:
        return None
    return _number(content, 16, 4), _number(content, 20, 4)


def _jpeg(content: bytes) -> tuple[int, int] | None:
    if not content.startswith(_JPEG):
        return None
    at = len(_JPEG)
    while at + 9 <= len(content) and content[at] == 0xFF and content[at + 1] in _PARTS:
        if content[at + 1] in _FRAMES:
            return _number(content, at + 7, 2), _number(content, at + 5, 2)
        at += 2 + max(_number(content, at + 2, 2), 2)
    return None


def _number(content: bytes, at: int, size: int) -> int:
    return int.from_bytes(content[at : at + size], "big")
