"""The account: one row for each person who has signed in, and for the break-glass administrators; and its tokens."""

import uuid
from functools import cached_property

from django.contrib.auth.models import AbstractUser, Group
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import OuterRef
from knox.models import AbstractAuthToken


class User(AbstractUser):
    """A person. People of the directory are known by tenant and object id; their name may change.

    `username` is the UPN in lower case for people of the directory. Local accounts have no object id.
    """

    username = models.CharField(
        max_length=254,
        unique=True,
        validators=[RegexValidator(r"^\S+\Z", "A user name has no spaces.")],
        error_messages={"unique": "There is an account with this user name already."},
    )
    tenant = models.CharField(max_length=64, blank=True, default="", editable=False)
    object_id = models.CharField(max_length=64, blank=True, default="", editable=False)
    group_ids = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        editable=False,
        help_text="Object ids of the directory groups the person is in, nested ones too, as of the last sync.",
    )
    left_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the directory switched this account off here."
    )

    language = models.CharField(
        max_length=10, default="", blank=True, editable=False, help_text="Of mails: the one chosen last on a page."
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "object_id"],
                condition=~models.Q(object_id=""),
                name="user_identity_unique",
            )
        ]

    @cached_property
    def directory_groups(self) -> tuple[str, ...]:
        """Names of the directory groups this person was in at the last sign-in, sorted. Read once per object."""
        return tuple(sorted(group.name for group in self.groups.all()))


class ApiToken(AbstractAuthToken):
    """A token of the portal, for scripts and CI: kept as a digest only, shown once, limited by scopes and time."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="Its name in addresses.")
    name = models.CharField(max_length=80, default="")
    scopes = ArrayField(models.CharField(max_length=10), default=list)
    last_used = models.DateTimeField(null=True, blank=True, help_text="To the minute.")

    class Meta:
        ordering = ["-created"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=["read", "write"], scopes__len__gt=0),
                name="api_token_scopes_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.user_id}"


def group_names(*, user: str) -> ArraySubquery:
    """For `annotate`: names of somebody's directory groups, sorted. `user`: the column with the account's id."""
    return ArraySubquery(Group.objects.filter(user=OuterRef(user)).order_by("name").values("name"))
