"""The shapes of what a caller needs to know before asking: plans, teams, targets, oneself; and of small bodies."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from projects.closed import Closed
from provisioning.spec import check_text

Sentence = Annotated[str, Field(max_length=500), AfterValidator(check_text)]
Revision = Annotated[int, Field(ge=1, lt=2**31, description="The one that you read. Another one by now is a conflict.")]


class DryRun(Closed):
    """Whether it is only asked what would be."""

    dry_run: bool = Field(default=False, description="Answer with what would come of it; write nothing.")


class PlanSizeOut(BaseModel):
    """A named size. `units` is what it takes from a team's budget."""

    name: str
    title: str
    cpu: str
    memory: str
    gpu: int
    pods: int
    storage: str
    bucket: str
    units: int


class PlanSizeList(BaseModel):
    """Every plan that is offered."""

    default: str = Field(description="The plan of a spec that names none.")
    items: list[PlanSizeOut]


class TeamOut(BaseModel):
    """A team of yours with its budget in plan units."""

    slug: str
    name: str
    budget: int
    taken: int
    free: int = Field(description="Below zero when the platform team granted more than the budget.")


class TeamList(BaseModel):
    """Your teams. The platform team sees all."""

    items: list[TeamOut]


class TargetOut(BaseModel):
    """How an outside system answered when it was last asked. Details are for the platform team."""

    name: str
    answering: bool
    since: datetime
    last_asked: datetime | None = None
    message: str | None = None
    version: str | None = None


class TargetList(BaseModel):
    """Every target."""

    items: list[TargetOut]


class Me(BaseModel):
    """Who you are here."""

    username: str
    name: str
    email: str
    platform_admin: bool
    directory_groups: list[str]
    teams: list[str]


class Look(Closed):
    """What to look at; without a kind, the whole project."""

    kind: str | None = Field(default=None, max_length=40)


class LookOut(BaseModel):
    """The look was asked for; follow it at `url`."""

    project: str
    kind: str | None
    url: str


class Retire(Closed):
    """How to retire. `remove_data` takes what holds data too; `confirm` must then be the slug."""

    remove_data: bool = False
    confirm: str = Field(default="", max_length=40)
    note: Sentence = ""


class Approval(Closed):
    """The revision that was read, and something to say with a yes."""

    revision: Revision
    comment: Sentence = ""


class Rejection(Closed):
    """The revision that was read, and why not: the team reads it."""

    revision: Revision
    comment: Sentence


class Because(Closed):
    """Why: it stands in the project's history, and those who find it so read it."""

    because: Sentence


class Nothing(Closed):
    """An empty object."""
