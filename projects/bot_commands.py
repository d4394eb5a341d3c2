"""What somebody asks the bot: a line that begins with /slipway, in a comment or in a chat. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

WORD = "/slipway"
LONGEST = 200
COMMANDS: Mapping[str, str] = {
    "help": "what can be asked",
    "plan": "what merging this would change, and what the project has",
    "status": "how the project is, and what its newest model report says",
    "why": "why the model gate is shut, or why something isn't ready",
    "compare": "this model's metrics beside those of a branch, a commit or a pull request",
    "retry": "look at the project again now, without waiting",
    "retrain": "run CI on the default branch again; data that DVC imports is taken as it is now",
}
WANTS: Mapping[str, str] = {"compare": "main"}
"""What a command may be given besides, as an example."""
ACTS = frozenset({"retry", "retrain"})
"""Commands that have something done; the others only ask."""
_LINE = re.compile(rf"{WORD}(?:[ \t]+(.*))?", re.ASCII)
_FENCE = re.compile(r"\s*(```|~~~)")


@dataclass(frozen=True)
class Command:
    """One command. `name` is a key of COMMANDS, or "" when it is none of them; `argument` is then all that was said."""

    name: str
    argument: str = ""

    @property
    def text(self) -> str:
        """As it was asked, on one line."""
        return " ".join(part for part in (WORD, self.name, self.argument) if part)


def asked(body: str) -> Command | None:
    """The first command of a comment; None when there is none. Quoted text and blocks of code ask for nothing."""
    fenced = False
    for line in body.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (found := _LINE.fullmatch(line.rstrip())):
            return command(found[1] or "")
    return None


def command(words: str) -> Command:
    """What stands behind /slipway, without characters that no database takes. Nothing means help."""
    said = " ".join("".join(one for one in words if one.isprintable() or one.isspace()).split())[:LONGEST]
    name, _, argument = said.partition(" ")
    if not name:
        return Command("help")
    if name.lower() not in COMMANDS:
        return Command("", said)
    return Command(name.lower(), argument)
