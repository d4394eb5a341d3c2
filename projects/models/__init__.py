"""The rows of the domain, by idea.

`core`: teams, projects, requests and what came in by webhook. `access`: whose access the platform team ended.
`directory`: people and groups as of the last sync.
`platform`: what the platform team's pages are made of. `bulk`: its
actions over many projects. `usage`: how much of what is allowed is used.
`credentials`: who rotated keys, and who was shown which.
`deciding`: what is said and done about a request until it is decided. `notices`: what somebody is to be told, and
`mail_choices`: which of it by mail. `chat`: what goes to channels.
`troubles`: of which troubles owners know.
`announcements`: what the platform team tells everybody.
`bot`: which commands under pull requests were answered. `looks`: who had a project looked at.
`reports`: what CI says of a project's model, and what the forge is told of it.
`templates`: which version of its template a project is at, and what the versions looked like.
`succession`: who is asked to take over a project whose owners left.
`consents`: which projects of others a team lets read its data.
pghistory adds the history models (ProjectHistory and the like) to this package by itself.
"""

from projects.models.access import AccessChange
from projects.models.announcements import Announcement, AnnouncementState
from projects.models.bot import Answered
from projects.models.bulk import BulkAction, BulkItem, BulkRun, ItemState, RunState
from projects.models.chat import ChatPost
from projects.models.consents import ConsentReminder, ConsentState, ConsentStep, DataConsent, DataEndTold
from projects.models.core import (
    LAST_STEP_AT,
    TITLE_IN_ORDER,
    Action,
    Decision,
    Delivery,
    Door,
    Heartbeat,
    IdempotencyKey,
    Membership,
    Project,
    ProjectRequest,
    RegisteredRepository,
    Team,
    spec_as_json,
)
from projects.models.credentials import Reveal, Rotation
from projects.models.deciding import Reminder, RequestComment, RequestRevision, StandIn
from projects.models.directory import DirectoryEdge, DirectoryEntry, DirectoryState
from projects.models.looks import LookAsked
from projects.models.mail_choices import MailChoice, MutedProject
from projects.models.notices import EndTold, Mailing, Notice, Sending
from projects.models.platform import FleetSummary, ReadyTime, Scorecard, SeenAs, SkippedKind
from projects.models.reports import Feedback, Plot, Report
from projects.models.succession import OfferedTo, Succession
from projects.models.templates import TemplateUse, TemplateVersion
from projects.models.training import TrainingAsked, TrainingPlan
from projects.models.troubles import TroubleTold
from projects.models.usage import TargetUsage, Usage, UsageDay

__all__ = [
    "LAST_STEP_AT",
    "TITLE_IN_ORDER",
    "AccessChange",
    "Action",
    "Announcement",
    "AnnouncementState",
    "Answered",
    "BulkAction",
    "BulkItem",
    "BulkRun",
    "ChatPost",
    "ConsentReminder",
    "ConsentState",
    "ConsentStep",
    "DataConsent",
    "DataEndTold",
    "Decision",
    "Delivery",
    "DirectoryEdge",
    "DirectoryEntry",
    "DirectoryState",
    "Door",
    "EndTold",
    "Feedback",
    "FleetSummary",
    "Heartbeat",
    "IdempotencyKey",
    "ItemState",
    "LookAsked",
    "MailChoice",
    "Mailing",
    "Membership",
    "MutedProject",
    "Notice",
    "OfferedTo",
    "Plot",
    "Project",
    "ProjectRequest",
    "ReadyTime",
    "RegisteredRepository",
    "Reminder",
    "Report",
    "RequestComment",
    "RequestRevision",
    "Reveal",
    "Rotation",
    "RunState",
    "Scorecard",
    "SeenAs",
    "Sending",
    "SkippedKind",
    "StandIn",
    "Succession",
    "TargetUsage",
    "Team",
    "TemplateUse",
    "TemplateVersion",
    "TrainingAsked",
    "TrainingPlan",
    "TroubleTold",
    "Usage",
    "UsageDay",
    "spec_as_json",
]
