"""A name that the directory gave to somebody else, noticed when that person signs in.

Permissions compare object ids, so the portal gives a newcomer nothing of who had the name before. Cluster and forge
know only names: until the next sync of the directory the newcomer would hold there what the name was given. A sign-in
is proof enough to end that at once; should the one before only be called otherwise now, the next sync says so.
"""

import structlog
from django.db import transaction
from django.db.models.functions import Lower
from django.utils import timezone

from projects.audit import audited
from projects.doorbell import ring
from projects.models import DirectoryEntry, Door, Membership, Project

log = structlog.get_logger(__name__)


def pass_on(name: str, *, to: str, held_by: str = "") -> None:
    """End what goes by this account name for whoever had it before, and look at their projects at once.

    to: the object id of who has the name now. held_by: that of the account which had it here, "" for none; grants that
    were only named so far are its own from now on.
    """
    with audited(actor="slipway", door=Door.SYSTEM), transaction.atomic():
        people = Membership.objects.filter(is_group=False)
        if held_by:
            people.filter(object_id="", subject=name).update(object_id=held_by)
        # In the form of the index.
        named = DirectoryEntry.objects.alias(lowered=Lower("account")).filter(lowered=name.lower())
        before = named.filter(is_group=False, gone_at=None).exclude(object_id=to)
        ids = list(before.values_list("object_id", flat=True))
        if not ids:
            return
        DirectoryEntry.objects.filter(object_id__in=ids).update(gone_at=timezone.now())
        granting = people.filter(object_id__in=ids).values("project")
        due = Project.objects.filter(pk__in=granting, deleted_at=None).update(next_look_at=timezone.now())
        if due:
            ring("projects.tasks.drain")
    log.warning("name_passed_on", name=name, before=ids, projects=due)
