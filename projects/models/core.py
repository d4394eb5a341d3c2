"""Teams, projects, requests, memberships, and what came in by webhook. Invariants are constraints of the database.

A project's spec is what its team wants; `generation` counts the wishes, `observed_generation` is the last one that the
engine finished looking at. Lease and fence say who works on it: see `projects.work`.
"""

import uuid
from typing import Any

import pghistory
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Lower, NullIf
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

from projects.errors import Unreadable
from provisioning.conditions import Word, project_word
from provisioning.models import KeepsPhrases
from provisioning.spec import ProjectSpec, Role


class Door(models.TextChoices):
    """By which door a request came."""

    FORM = "form", _("form")
    API = "api", "API"
    FILE = "file", "profile.yaml"
    COMMENT = "comment", _("comment on a pull request")
    CHAT = "chat", _("chat")
    SYSTEM = "system", "Slipway"


def door_kept() -> "models.CharField[str, str]":
    """By which door something was done, in a table that has older rows without."""
    return models.CharField(
        max_length=10,
        choices=Door.choices,
        default="",
        db_default="",
        blank=True,
        help_text="Empty: before this was kept.",
    )


class Action(models.TextChoices):
    """What a request asks for."""

    CREATE = "create", _("create")
    CHANGE = "change", _("change")
    RETIRE = "retire", _("retire")


class Decision(models.TextChoices):
    """What was decided about a request."""

    PENDING = "pending", _("waiting for a decision")
    APPROVED = "approved", _("approved")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn")


def _history() -> tuple[pghistory.Tracker, ...]:
    """Every insert, update and delete; new objects each time, because a tracker belongs to one model."""
    return pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent()


def _pointing_back() -> pghistory.ObjForeignKey:
    """From an entry to its row, as `row.history`; the row may be gone."""
    return pghistory.ObjForeignKey(related_name="history")


@pghistory.track(*_history(), model_name="TeamHistory", append_only=True, obj_field=_pointing_back())
class Team(models.Model):
    """Some directory groups with a budget in plan units."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    ad_groups = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    group_ids = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Object id by name, of the groups that the directory knows."
    )
    budget = models.PositiveIntegerField(default=0, help_text="Sum of plan units its projects may take.")

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name


TITLE_IN_ORDER = Lower(Coalesce(NullIf(KT("spec__title"), Value("")), F("slug"), output_field=models.TextField()))
"""What projects are called, as a list by name compares it."""


@pghistory.track(
    *_history(),
    model_name="ProjectHistory",
    append_only=True,
    obj_field=_pointing_back(),
    exclude=["lease_until", "lease_holder", "fence", "observed_generation", "next_look_at", "ready_at"],
)
class Project(models.Model):
    """What a team wants, and who is working on it."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.CharField(max_length=40)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="projects")
    spec = models.JSONField()
    units = models.PositiveIntegerField(default=0, help_text="Plan units of the present spec.")
    generation = models.PositiveBigIntegerField(default=1)
    observed_generation = models.PositiveBigIntegerField(default=0)
    next_look_at = models.DateTimeField(default=timezone.now, null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_holder = models.CharField(max_length=80, default="", blank=True)
    fence = models.PositiveBigIntegerField(default=0)
    suspended = models.BooleanField(default=False)
    ended = models.BooleanField(
        default=False,
        help_text="Suspended because its last day had passed; a later one resumes it. Else the platform team did.",
    )
    key_id = models.CharField(
        max_length=40, default="", blank=True, help_text="The key of the key ring that its secrets come from."
    )
    versions = models.JSONField(default=dict, blank=True, help_text="Credential versions by purpose.")
    attached_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        editable=False,
        help_text="Who asked for the repository that its spec attaches; no spec says so itself.",
    )
    deletion_requested_at = models.DateTimeField(null=True, blank=True)
    remove_data = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    owner_left_at = models.DateTimeField(
        null=True, blank=True, help_text="When we saw that no owner is left; empty while there is one."
    )
    created_at = models.DateTimeField(default=timezone.now)
    accepted_at = models.DateTimeField(default=timezone.now, help_text="When the present generation was accepted.")
    ready_at = models.DateTimeField(null=True, blank=True, help_text="When the present generation became ready.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(Lower("slug"), condition=Q(deleted_at=None), name="project_slug_in_use_once"),
            models.CheckConstraint(
                condition=Q(observed_generation__lte=F("generation")), name="project_observed_not_ahead"
            ),
            models.CheckConstraint(
                condition=Q(deleted_at=None) | Q(deletion_requested_at__isnull=False), name="project_deleted_on_request"
            ),
            models.CheckConstraint(
                condition=Q(remove_data=False) | Q(deletion_requested_at__isnull=False),
                name="project_data_goes_only_on_removal",
            ),
            models.CheckConstraint(condition=Q(ended=False) | Q(suspended=True), name="project_ended_is_suspended"),
            models.CheckConstraint(
                condition=Q(lease_until=None, lease_holder="") | Q(lease_until__isnull=False) & ~Q(lease_holder=""),
                name="project_lease_has_holder",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_look_at"], name="project_due", condition=Q(deleted_at=None, next_look_at__isnull=False)
            ),
            models.Index(fields=["team", "-id"], name="project_by_team"),
            models.Index(TITLE_IN_ORDER, "id", name="project_by_title", condition=Q(deleted_at=None)),
        ]

    def __str__(self) -> str:
        return self.slug

    def wanted(self) -> ProjectSpec:
        """The spec as a value. Raises Unreadable when this version can't read what is stored."""
        try:
            return ProjectSpec.model_validate(self.spec)
        except ValidationError as error:
            raise Unreadable from error

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.spec.get("title") or self.slug)

    @property
    def settled(self) -> bool:
        """True when the engine has finished looking at the newest wish."""
        return self.generation == self.observed_generation

    @property
    def word(self) -> Word:
        """The one word pages say; reads the resources (prefetch them for lists)."""
        return project_word(
            (resource.word for resource in self.resources.all()),
            settled=self.settled,
            removing=self.deletion_requested_at is not None,
            suspended=self.suspended,
        )

    @property
    def etag(self) -> str:
        """Strong validator for If-Match: changes with each accepted wish."""
        return f'"{self.generation}"'


@pghistory.track(*_history(), model_name="MembershipHistory", append_only=True, obj_field=_pointing_back())
class Membership(models.Model):
    """The contributors of the present spec as rows, so that "which projects may I see" is one query."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    subject = models.CharField(max_length=200, help_text="Account name in lower case, or name of a directory group.")
    is_group = models.BooleanField(default=False)
    object_id = models.CharField(
        max_length=64, default="", blank=True, help_text="Who that was in the directory; empty while it isn't known."
    )
    role = models.CharField(max_length=10, choices=[(role.value, role.value) for role in Role])
    source = models.CharField(max_length=10, choices=Door.choices)
    until = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["role", "is_group", "subject"]
        constraints = [
            models.UniqueConstraint(fields=["project", "is_group", "subject"], name="membership_one_role_each"),
            models.CheckConstraint(condition=Q(role__in=Role), name="membership_role_known"),
        ]
        indexes = [
            models.Index(fields=["is_group", "subject"], name="membership_by_subject"),
            models.Index(fields=["object_id"], name="membership_by_object_id"),
        ]

    def __str__(self) -> str:
        return f"{self.subject}: {self.role}"


LAST_STEP_AT = Coalesce("decided_at", "created_at")
"""When something happened to a request last, as lists of what is new compare it."""


@pghistory.track(
    *_history(),
    model_name="ProjectRequestHistory",
    append_only=True,
    obj_field=_pointing_back(),
    exclude=["phrases", "repository"],
)
class ProjectRequest(KeepsPhrases):
    """Somebody asked: what it was before, what it shall be, what was decided, by whom or which rule, and why."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="requests", null=True, blank=True)
    slug = models.CharField(max_length=40)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="requests")
    action = models.CharField(max_length=10, choices=Action.choices)
    door = models.CharField(max_length=10, choices=Door.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests", null=True, blank=True
    )
    requested_by_name = models.CharField(max_length=200)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    remove_data = models.BooleanField(default=False)
    base_generation = models.PositiveBigIntegerField(default=0)
    generation = models.PositiveBigIntegerField(null=True, blank=True, help_text="The generation it became.")
    decision = models.CharField(max_length=10, choices=Decision.choices, default=Decision.PENDING)
    revision = models.PositiveIntegerField(default=1, help_text="How often it was asked, in other words each time.")
    approvers = ArrayField(
        models.CharField(max_length=200),
        default=list,
        blank=True,
        help_text="Directory groups that decide beside the platform team.",
    )
    asked_back_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when it waits for who asked, not for who decides."
    )
    rule = models.CharField(max_length=63, help_text="The rule of the policy that fired.")
    because = models.TextField(help_text="The rule's sentence.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions", null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_door = models.CharField(
        max_length=10,
        choices=Door.choices,
        default="",
        blank=True,
        help_text="By which door a person decided. Empty: the policy did, or before this was kept.",
    )
    replaced_by = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        help_text="The newer request because of which this one was withdrawn.",
    )
    comment = models.TextField(default="", blank=True, help_text="What the person who decided said.")
    note = models.TextField(default="", blank=True, help_text="What the person who asked said.")
    commit = models.CharField(max_length=64, default="", blank=True)
    repository = models.ForeignKey(
        "RegisteredRepository",
        on_delete=models.SET_NULL,
        related_name="requests",
        null=True,
        blank=True,
        help_text="Whose profile.yaml asked. Commits and names may be the same elsewhere.",
    )
    joined_by = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="+", blank=True, help_text="Who asked for the same while it waited."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(decision=Decision.PENDING, decided_at=None)
                | ~Q(decision=Decision.PENDING) & Q(decided_at__isnull=False),
                name="request_decided_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(decision=Decision.APPROVED, project=None), name="request_approved_has_project"
            ),
            models.UniqueConstraint(
                Lower("slug"),
                condition=Q(decision=Decision.PENDING, action=Action.CREATE),
                name="request_create_pending_once",
            ),
        ]
        indexes = [
            models.Index(fields=["decision", "-id"], name="request_by_decision"),
            models.Index(LAST_STEP_AT, name="request_by_last_step"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.slug}"


class RegisteredRepository(KeepsPhrases):
    """A repository whose pushes we listen to: `profile.yaml` on its default branch is a request."""

    forge = models.CharField(max_length=63)
    full_name = models.CharField(max_length=200)
    project = models.OneToOneField(
        Project, on_delete=models.SET_NULL, related_name="registered_repository", null=True, blank=True
    )
    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="Part of the hook's address.")
    number = models.BigIntegerField(null=True, blank=True, help_text="The forge's own, the same after a rename.")
    default_branch = models.CharField(
        max_length=255, default="", blank=True, help_text="As the forge said last; empty before it did."
    )
    former_name = models.CharField(
        max_length=200, default="", blank=True, help_text="What the project's wish calls it, where that was renamed."
    )
    look_at = models.DateTimeField(null=True, blank=True, help_text="When profile.yaml is to be read again.")
    seen_commit = models.CharField(max_length=64, default="", blank=True, help_text="The newest commit answered.")
    waits_for_person = models.BooleanField(
        default=False, help_text="Whoever pushed profile.yaml has not signed in here yet, or the forge doesn't say who."
    )
    refused = models.TextField(
        default="", blank=True, help_text="Why its present profile.yaml asks for nothing; empty when it does."
    )
    refused_commit = models.CharField(
        max_length=64, default="", blank=True, help_text="The commit that it was read at."
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    documents = models.JSONField(
        null=True, blank=True, help_text="Of the files that document a model, those that it has. Empty: not looked."
    )
    unwritten = models.JSONField(
        default=list, blank=True, help_text="Of these files, those that are still as a template made them."
    )
    documents_at = models.CharField(max_length=64, default="", blank=True, help_text="The commit that was looked into.")

    class Meta:
        constraints = [models.UniqueConstraint("forge", Lower("full_name"), name="registered_repository_once")]
        indexes = [models.Index(fields=["look_at"], name="registered_repository_due")]

    def __str__(self) -> str:
        return f"{self.forge}/{self.full_name}"


class Delivery(models.Model):
    """One webhook delivery that carried a valid signature. The body is not kept: the worker reads the forge itself."""

    repository = models.ForeignKey(RegisteredRepository, on_delete=models.CASCADE, related_name="deliveries")
    delivery_id = models.CharField(max_length=100)
    event = models.CharField(max_length=40)
    commit = models.CharField(max_length=64, default="", blank=True)
    pull_request = models.PositiveIntegerField(null=True, blank=True)
    received_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(default="", blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["repository", "delivery_id"], name="delivery_once")]
        indexes = [
            models.Index(fields=["repository"], name="delivery_unanswered", condition=Q(answered_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"


class IdempotencyKey(models.Model):
    """The answer given to a write with an Idempotency-Key, so that the same call gets the same answer for a day."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="idempotency_keys")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Empty while the first call runs.")
    headers = models.JSONField(default=dict)
    body = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When a loop last did its round; readiness looks at it instead of at processes."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.name


def spec_as_json(spec: ProjectSpec) -> dict[str, Any]:
    """The spec as it is stored: only what was said, defaults left out, so that stored specs stay readable."""
    data: dict[str, Any] = spec.model_dump(mode="json", exclude_defaults=True)
    return {"version": spec.version, **data}
