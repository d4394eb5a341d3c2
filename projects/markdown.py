"""Text of people, or of programs that people wrote, as Markdown that means nothing but itself."""

_MARKDOWN = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]|~!"}
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u200b", "#": "#\u200b", "\n": " ", "\r": " "}
)


def plain(text: object, *, limit: int = 300) -> str:
    """Text of people as one line of Markdown that means nothing but itself: no markup, mention, reference or cell."""
    whole = " ".join(str(text).split())
    return (whole if len(whole) <= limit else f"{whole[:limit]}…").translate(_MARKDOWN)


def inert(text: object, *, limit: int = 300) -> str:
    """As `plain`, and no link either: forges make one of every bare address."""
    return plain(text, limit=limit).replace("://", ":\u200b//").replace("www.", "www\u200b.")
