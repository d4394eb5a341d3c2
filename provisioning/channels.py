"""Chat channels as they stand in platform.yaml: where news of a team, or of all teams, is posted.

A channel belongs to one team, whose members may all see what is posted there; without a team it is the platform team's.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from provisioning.policy_rules import Name
from provisioning.secrets import SecretRef

Shape = Literal["slack", "teams"]
"""slack: text and blocks, which Mattermost and others take too. teams: an Adaptive Card, for workflows of Teams."""
ChatKind = Literal[
    "request-waits",
    "reminder",
    "escalation",
    "request-decided",
    "changes-asked",
    "comment",
    "ends",
    "suspended",
    "attention",
    "ready",
    "withdrawn",
    "data-asked",
    "data-reminder",
    "data-escalation",
    "data-decided",
    "data-withdrawn",
    "data-ends",
    "keys-rotated",
]


class Channel(BaseModel):
    """One channel. Its address is a secret: whoever has it can post. `kinds`: what is posted; when empty, all.

    asks: the secret with which the chat signs what people ask there; None: nobody can ask.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    url: SecretRef
    shape: Shape
    team: Annotated[str, Field(max_length=40)] = ""
    kinds: tuple[ChatKind, ...] = ()
    asks: SecretRef | None = None
