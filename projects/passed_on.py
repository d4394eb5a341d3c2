"""A name that the directory gave to somebody else, noticed when that person signs in.

Permissions compare object ids, so the portal gives a newcomer nothing of who had the name before. Cluster and forge
know only names: until the next sync of the directory the newcomer would hold there what the name was given. A sign-in
is proof enough to end that at once; should the one before only be called otherwise now, the next sync says so.
"""

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from projects.audit import audited
from projects.doorbell import make_due
from projects.locks import hold_projects
from projects.models import DirectoryEntry, Door, Membership, Project

log = structlog.get_logger(__name__)


def pass_on(name: str, *, to: str, held_by: str = "") -> None:
    """End what goes by this account name for whoever had it before, and look at their projects at once.

    to: the object id of who has the name now. held_by: that of the account which had it here, "" for none; grants that
    were only named so far are its own from now on.
    """
    with audited(actor="slipway", door=Door.SYSTEM), transaction.atomic():
        # In the form of the index.
        named = DirectoryEntry.objects.alias(lowered=Lower("account")).filter(lowered=name.lower())
        before = named.filter(is_group=False, gone_at=None).exclude(object_id=to)
        ids = list(before.values_list("object_id", flat=True))
        loose = Q(object_id="", subject=name) if held_by else Q(pk__in=[])
        people = Membership.objects.filter(Q(object_id__in=ids) | loose, is_group=False)
        held = hold_projects(Project.objects.filter(pk__in=people.values("project")))
        if held_by:
            Membership.objects.filter(loose, is_group=False, project__in=held).update(object_id=held_by)
        if not ids:
            return
        DirectoryEntry.objects.filter(object_id__in=ids).update(gone_at=timezone.now())
        followed = Membership.objects.filter(is_group=False, object_id__in=ids, project__in=held).values("project")
        due = make_due(Project.objects.filter(pk__in=followed))
    log.warning("name_passed_on", name=name, before=ids, projects=due)
