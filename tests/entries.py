"""Rows of the directory, as a sync would leave them, for tests of what follows from them."""

from django.utils import timezone

from projects.directory import folded
from projects.models import DirectoryEdge, DirectoryEntry


def person_entry(name: str, *, object_id: str = "", upn: str = "", enabled: bool = True) -> DirectoryEntry:
    """One of the sample people, with the object id that `tests.people` gives the account."""
    account, title, mail = upn or f"{name}@corp.example", name.title(), f"{name}@corp.example"
    return DirectoryEntry.objects.create(
        object_id=object_id or f"oid-{name}",
        account=account,
        name=title,
        mail=mail,
        enabled=enabled,
        folded=folded(name=title, account=account, mail=mail),
    )


def group_entry(account: str, *members: DirectoryEntry, object_id: str = "") -> DirectoryEntry:
    """A group with these people and groups directly in it."""
    made = DirectoryEntry.objects.create(
        object_id=object_id or f"oid-{account}",
        is_group=True,
        account=account,
        name=account,
        folded=folded(name=account, account=account, mail=""),
    )
    for member in members:
        DirectoryEdge.objects.create(member=member.object_id, group=made.object_id)
    return made


def rename(entry: DirectoryEntry, account: str) -> None:
    DirectoryEntry.objects.filter(pk=entry.pk).update(account=account)


def gone(*entries: DirectoryEntry) -> None:
    """As after a complete sync that did not see them."""
    ids = [entry.object_id for entry in entries]
    DirectoryEntry.objects.filter(object_id__in=ids).update(gone_at=timezone.now())
    DirectoryEdge.objects.filter(member__in=ids).delete()
    DirectoryEdge.objects.filter(group__in=ids).delete()


def switched_off(*entries: DirectoryEntry, enabled: bool = False) -> None:
    DirectoryEntry.objects.filter(pk__in=[entry.pk for entry in entries]).update(enabled=enabled)
