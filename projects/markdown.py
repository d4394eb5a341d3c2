"""Text of people, or of programs that people wrote, as Markdown that means nothing but itself."""

from collections.abc import Sequence

LIMIT = 60_000
"""Forges refuse comments of more than 65,536 characters."""
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


def fitting(head: Sequence[str], body: Sequence[str], foot: Sequence[str]) -> str:
    """A comment as one text that forges take: of the body what has room, cut between lines, never inside one.

    No line of it is a command: what begins with a slash is one to GitLab, and would be done with our account's rights.
    """
    head, body, foot = ([_no_command(line) for line in part] for part in (head, body, foot))
    left = LIMIT - sum(len(line) + 1 for line in (*head, *foot)) - 100
    kept: list[str] = []
    for line in body:
        left -= len(line) + 1
        if left < 0:
            kept += ["", "The rest is left out here."]
            break
        kept.append(line)
    return "\n".join((*head, *kept, *foot))


def _no_command(line: str) -> str:
    return f"\\{line}" if line.startswith("/") else line
