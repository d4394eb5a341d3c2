"""The directory as of the last sync: people, groups, and who is directly in which group. Keyed by object id.

These rows are a cache for search and for saying who is in what; they give nobody a right by themselves. A person who
left stays as a row with `gone_at`, so that whoever is given the same account name later is somebody else.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from provisioning.models import KeepsPhrases


class DirectoryEntry(models.Model):
    """A person or a group of the directory.

    `account` is the name by which specs and tokens call it: the UPN in lower case of a person, of a group the name that
    the directory guarantees to be unique (sAMAccountName), or its object id where there is none.
    """

    object_id = models.CharField(max_length=64, unique=True)
    is_group = models.BooleanField(default=False)
    account = models.CharField(max_length=256)
    name = models.CharField(max_length=256, help_text="What people call it; two groups may have the same.")
    mail = models.CharField(max_length=254, default="", blank=True)
    place = models.CharField(max_length=400, default="", blank=True, help_text="Where it stands, such as the OU.")
    enabled = models.BooleanField(default=True)
    folded = models.TextField(default="", blank=True, help_text="The words of name, account and mail.")
    gone_at = models.DateTimeField(null=True, blank=True, help_text="The first complete sync that did not see it.")

    class Meta:
        verbose_name_plural = "directory entries"
        ordering = ["name", "object_id"]
        indexes = [models.Index(Lower("account"), name="directory_entry_by_account")]
        constraints = [models.CheckConstraint(condition=~Q(object_id=""), name="directory_entry_has_id")]

    def __str__(self) -> str:
        return self.account

    @property
    def present(self) -> bool:
        """May it hold rights: it is in the directory and not switched off."""
        return self.enabled and self.gone_at is None


class DirectoryEdge(models.Model):
    """Somebody or some group that is directly in a group, both by object id."""

    member = models.CharField(max_length=64)
    group = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "group"], name="directory_edge_once")]
        indexes = [models.Index(fields=["group"], name="directory_edge_by_group")]

    def __str__(self) -> str:
        return f"{self.member} in {self.group}"


class DirectoryState(KeepsPhrases):
    """How the sync with a directory goes. One row per source."""

    source = models.CharField(max_length=63, primary_key=True)
    complete_at = models.DateTimeField(null=True, blank=True, help_text="When the last complete sync ended.")
    tried_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    message = models.TextField(default="", blank=True, help_text="Why the last try failed or was held back.")
    needs_person = models.BooleanField(default=False, help_text="It can't go on by itself.")
    people = models.PositiveIntegerField(default=0)
    groups = models.PositiveIntegerField(default=0)
    untold = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="Object ids that changed, until what follows from it was done.",
    )

    def __str__(self) -> str:
        return self.source
