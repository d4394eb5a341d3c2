"""Chat channels as they stand in platform.yaml: where news of a team, or of all teams, is posted.

A channel belongs to one team, whose members may all see what is posted there; without a team it is the platform team's.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from provisioning.entries import Entry, Name
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
    "training-failed",
    "keys-rotated",
]

CHAT = "chat"
"""Where the name of a forge stands in a hook's address, this stands for questions from chats."""


class Channel(Entry):
    """One channel. Its address is a secret: whoever has it can post. `kinds`: what is posted; when empty, all.

    asks: the secret with which the chat signs what people ask there; None: nobody can ask. slack_channel: Slack's id of
    the channel, the only one that is answered, since a slash command can be given anywhere in Slack. slack_workspace:
    the id of the workspace too, where one app serves several.
    """

    name: Name
    url: SecretRef
    shape: Shape
    team: Annotated[str, Field(max_length=40)] = ""
    kinds: tuple[ChatKind, ...] = ()
    asks: SecretRef | None = None
    slack_channel: Annotated[str, Field(pattern=r"^[CG][A-Z0-9]{2,40}$")] | None = None
    slack_workspace: Annotated[str, Field(pattern=r"^T[A-Z0-9]{2,40}$")] | None = None

    @model_validator(mode="after")
    def _asked_in_its_channel(self) -> "Channel":
        if self.shape == "slack" and self.asks and not self.slack_channel:
            raise ValueError(
                f"{self.name} may be asked, so give slack_channel, the channel's id (such as C024BE91L, at the end of "
                "the channel's details in Slack): otherwise everybody in the workspace could ask, from anywhere"
            )
        if self.shape == "teams" and (self.slack_channel or self.slack_workspace):
            raise ValueError(f"{self.name} is of Teams; leave slack_channel and slack_workspace out")
        return self
