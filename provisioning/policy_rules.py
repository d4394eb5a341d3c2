"""The rules of the approval policy as they stand in platform.yaml, and when and by whom people decide.

Only shapes and what can be checked without a request; who decides a request is `projects.policy`.
"""

import string
from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from provisioning.directory import is_object_id
from provisioning.entries import Entry, Name
from provisioning.phrases import Phrase
from provisioning.spec import Environment

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
FIGURES = ("team", "plan", "units", "taken", "budget", "free", "gpus", "use")
"""What a rule's sentence may name in braces."""


def _group(value: str) -> str:
    return value.lower() if is_object_id(value) else value


Group = Annotated[str, AfterValidator(_group)]
"""A directory group: by object id, which stays whatever the group is called, or by name."""


def _sentence(value: str) -> str:
    for _, name, form, conversion in string.Formatter().parse(value):
        if name is not None and (name not in FIGURES or form or conversion):
            raise ValueError(f"{{{name}}} is nothing a sentence can name. There are: {', '.join(FIGURES)}.")
    return value


Sentence = Annotated[str, AfterValidator(_sentence)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]+)*$")]


def as_pattern(sentence: str) -> str:
    """A rule's sentence as the pattern of a phrase: %(team)s for {team}."""
    parts = string.Formatter().parse(sentence)
    return "".join(text.replace("%", "%%") + (f"%({name})s" if name else "") for text, name, _, _ in parts)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {value}; write one such as Europe/Stockholm") from error
    return value


class Rule(Entry):
    """One rule: when all its conditions hold, the decision is taken and the rule is named. What isn't known fits none.

    Sizes are plan units. `approvers`: groups whose people decide beside the platform team, instead of the general ones.
    """

    name: Name
    decision: Literal["approve", "ask", "refuse"]
    because: Sentence
    because_in: dict[Language, Sentence] = Field(default={}, description="The same in other languages, by their codes.")
    actions: tuple[Literal["create", "change", "retire"], ...] = ()
    plans: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    groups: tuple[Group, ...] = Field(default=(), description="Who asks is in one of these directory groups.")
    environments: tuple[Environment, ...] = ()
    grows: bool | None = None
    grows_by: int | None = Field(default=None, ge=1, description="It takes at least so many units more than before.")
    over_budget: bool | None = None
    gpus_above: int | None = Field(default=None, ge=0)
    more_gpus: bool | None = Field(default=None, description="Its plan has more GPUs than before.")
    people_above: int | None = Field(default=None, ge=0, description="It has more contributors than this.")
    lasts_over_days: int | None = Field(default=None, ge=1, description="It ends later than that, or never.")
    ends_later: bool | None = Field(default=None, description="It ends later than before; a new project does.")
    use_below: int | None = Field(
        default=None, ge=1, le=100, description="Of what it may use, less than this percentage is used of everything."
    )
    over_capacity: bool | None = Field(default=None, description="The cluster has less free than it asks for more.")
    approvers: tuple[Group, ...] = ()

    def said(self, figures: Mapping[str, object]) -> Phrase:
        """`because` with all FIGURES; who tells it in another language finds that in the catalogue's `sentences`."""
        return Phrase(as_pattern(self.because), figures)

    def covers(self, other: "Rule") -> bool:
        """Does this rule fit whenever the other does?"""
        lists = ("actions", "plans", "teams", "groups", "environments")
        for name in lists:
            mine, its = getattr(self, name), getattr(other, name)
            if mine and not (its and set(its) <= set(mine)):
                return False
        for name in ("grows", "over_budget", "more_gpus", "ends_later", "over_capacity"):
            mine = getattr(self, name)
            if mine is not None and getattr(other, name) is not mine:
                return False
        for name in ("grows_by", "gpus_above", "people_above", "lasts_over_days"):
            mine, its = getattr(self, name), getattr(other, name)
            if mine is not None and (its is None or its < mine):
                return False
        return self.use_below is None or (other.use_below is not None and other.use_below <= self.use_below)


def shadowed(rules: tuple[Rule, ...]) -> list[tuple[Rule, Rule]]:
    """Rules that can never fire, each with the one above it that always fits first."""
    found = []
    for index, rule in enumerate(rules):
        above = next((one for one in rules[:index] if one.covers(rule)), None)
        if above is not None:
            found.append((rule, above))
    return found


def told_apart(rules: tuple[Rule, ...]) -> list[tuple[Rule, Rule]]:
    """Rules that say the same as one above them, but something else in another language, each with that one.

    What is kept of a request is the sentence: who reads it can't tell which of the two it came from.
    """
    first: dict[str, Rule] = {}
    pairs = [(rule, first.setdefault(rule.because, rule)) for rule in rules]
    return [(rule, above) for rule, above in pairs if rule.because_in != above.because_in]


class WorkingHours(Entry):
    """When people work: only these hours count until somebody is reminded."""

    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    days: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    begins: time = time(8)
    ends: time = time(17)
    holidays: tuple[date, ...] = ()


class Decisions(Entry):
    """How people decide: who, and after how many working hours they are reminded, and others asked as well."""

    approvers: tuple[Group, ...] = Field(default=(), description="Directory groups beside the platform team.")
    remind_after: float = Field(default=4, gt=0)
    escalate_after: float = Field(default=12, gt=0)
    escalate_to: tuple[Group, ...] = Field(default=(), description="Directory groups; the platform team when empty.")
    working_hours: WorkingHours = WorkingHours()
