"""A project's credentials: which there are, making a new version, ending the old one early, showing one to a person.

No secret is stored anywhere here. A rotation is a number that goes up by one, with the time until which the version
before still works; the engine makes both so, and takes the old one away. What a person is shown is derived in the
moment of the answer, and it is noted before that.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from projects import audience, permissions
from projects.audit import audited
from projects.doorbell import ring_project
from projects.errors import Conflict, NotFound
from projects.granting import hold_for
from projects.installation import Installation
from projects.locks import hold_project
from projects.models import Door, Project, Reveal, Rotation
from projects.notices import announce
from projects.phrases import translated
from projects.presentation import kinds_as_shown
from projects.readable import readable
from projects.wishes import NoWish, present_wish
from provisioning.errors import PermanentError
from provisioning.kind import Credential, Wish, kinds
from provisioning.outcomes import fingerprint
from provisioning.phrases import phrase, word
from provisioning.repositories import full_name

if TYPE_CHECKING:
    from projects.permissions import Person

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Held:
    """A credential of a project as it is now.

    since: when the present version was asked for. rotated_by: "" while it is the first. earlier_until: how long the
    version before works; None when it has ended. in_force: the engine has found it right everywhere. old: it is older
    than the catalogue likes. shown_at: when this person was shown this version. place: in the reader's language; ""
    when it can't be told.
    """

    credential: Credential
    version: int
    since: datetime
    rotated_by: str
    earlier_until: datetime | None
    in_force: bool
    old: bool
    shown_at: datetime | None
    place: str

    @property
    def can_be_shown(self) -> bool:
        """False: only machines need it."""
        return self.credential.shown is not None

    @property
    def earlier_version(self) -> int:
        """The version before; 0 for the first."""
        return self.version - 1


@dataclass(frozen=True)
class Shown:
    """What a person gets to see, once. `values` are secrets: they go into the answer and nowhere else."""

    credential: Credential
    version: int
    values: Mapping[str, str] = field(repr=False)


def every_credential(wish: Wish | None = None) -> tuple[Credential, ...]:
    """All that Kinds deliver, in the order of pages: to the project of this wish, or to any."""
    delivering = [kind for kind in kinds_as_shown() if wish is None or kind.is_wanted(wish)]
    return tuple(one for kind in delivering for one in kind.credentials)


def credentials_of(project: Project, *, by: "Person", installation: Installation) -> tuple[Held, ...]:
    """Every credential of a project. Prefetch its resources; three queries more."""
    rotations = {(row.purpose, row.version): row for row in project.rotations.all()}
    shown = {(row.purpose, row.version): row.revealed_at for row in project.reveals.filter(person_id=by.pk)}
    try:
        present = present_wish(project, settings=installation)
        wish: Wish | None = replace(present, spec=readable(present.spec))
    except NoWish:
        wish = None
    held = []
    for credential in every_credential(wish):
        version = project.versions.get(credential.purpose, 1)
        row = rotations.get((credential.purpose, version))
        since, now = row.rotated_at if row else project.created_at, timezone.now()
        age = installation.catalogue.credentials.rotate_after_days
        held.append(
            Held(
                credential=credential,
                version=version,
                since=since,
                rotated_by=row.rotated_by if row else "",
                earlier_until=row.earlier_until if row and row.earlier_until > now else None,
                in_force=wish is not None and _in_force(credential, project, wish),
                old=age is not None and since < now - timedelta(days=age),
                shown_at=shown.get((credential.purpose, version)),
                place=_(credential.place) % _own_names(wish) if wish else "",
            )
        )
    return tuple(held)


def _own_names(wish: Wish) -> Mapping[str, str]:
    return {"namespace": wish.names.namespace, "repository": full_name(wish)}


def _in_force(credential: Credential, project: Project, wish: Wish) -> bool:
    """Was what is wanted now found right by every Kind that carries the credential?"""
    wanted = {row.kind: row.wanted for row in project.resources.all()}
    try:
        return all(wanted.get(name) == fingerprint(wish, kinds()[name].desired(wish)) for name in credential.kinds)
    except PermanentError:
        # The key that it comes from left the key ring.
        return False


def rotate(
    project: Project,
    purpose: str,
    *,
    by: "Person",
    door: Door,
    installation: Installation,
    end_old_now: bool = False,
) -> Rotation:
    """Ask for a new version. The one before works on for the catalogue's overlap, unless `end_old_now` or it can't.

    Raises NotFound, NotAllowed, or Conflict while the one before last still works, and for a project that is suspended
    or being removed.
    """
    credential = _known(purpose)
    why_not = _("Only owners of %(slug)s and the platform team may rotate keys. Ask an owner.")
    with (
        audited(actor=by.username, door=door),
        _locked(project, by=by, may=permissions.may_rotate, why_not=why_not) as row,
    ):
        if _overlapping(row, purpose) is not None:
            raise Conflict(_("The key before this one still works. End it first, or wait until it has ended."))
        hours = installation.catalogue.credentials.overlap_hours if credential.overlaps and not end_old_now else 0
        made = _next_version(row, purpose, by=by.username, door=door, overlap=timedelta(hours=hours))
        values = {"who": by.username, "slug": row.slug, "key": word(credential.title), "hours": hours}
        text = (
            phrase(
                "%(who)s rotated a key of %(slug)s: %(key)s. The one before works for %(hours)s more hours.", **values
            )
            if hours
            else phrase("%(who)s rotated a key of %(slug)s: %(key)s. The one before ends at once.", **values)
        )
        announce("keys-rotated", to=audience.owners_of(row), but=by, text=text, project=row)
    log.info("rotated", slug=project.slug, purpose=purpose, version=made.version, overlap_hours=hours)
    return made


def end_old(project: Project, purpose: str, *, by: "Person", door: Door) -> Rotation:
    """End the version before the present one now: it leaked, or nobody uses it any more.

    Raises NotFound, NotAllowed, or Conflict when it has ended already, and for a project that is suspended or being
    removed.
    """
    credential = _known(purpose)
    why_not = _("Only owners of %(slug)s and the platform team may end keys. Ask an owner.")
    with (
        audited(actor=by.username, door=door),
        _locked(project, by=by, may=permissions.may_rotate, why_not=why_not) as row,
    ):
        rotation = _overlapping(row, purpose)
        if rotation is None:
            raise Conflict(_("The old key has ended already. There is nothing to end."))
        rotation.earlier_until, rotation.ended_by, rotation.ended_door = timezone.now(), by.username, door
        rotation.save(update_fields=["earlier_until", "ended_by", "ended_door"])
        _look_soon(row)
        text = phrase(
            "%(who)s ended the old key of %(slug)s: %(key)s. Only the present one works.",
            who=by.username,
            slug=row.slug,
            key=word(credential.title),
        )
        announce("keys-rotated", to=audience.owners_of(row), but=by, text=text, project=row)
    log.info("old_key_ended", slug=project.slug, purpose=purpose, version=rotation.version - 1)
    return rotation


def reveal(project: Project, purpose: str, *, by: "Person", door: Door, installation: Installation) -> Shown:
    """Show a credential to a person: each version once to each. Who was shown what is noted in the same transaction.

    Raises NotFound, NotAllowed, or Conflict when this person was shown this version, when only machines need it, when
    its key left the key ring, and for a project that is suspended or being removed.
    """
    credential = _known(purpose)
    why_not = _("Only owners and editors of %(slug)s are shown its keys. Ask one of them.")
    with (
        audited(actor=by.username, door=door),
        _locked(project, by=by, may=permissions.may_reveal, why_not=why_not) as row,
    ):
        if credential.shown is None:
            raise Conflict(_("Only machines need this secret. Nobody is shown it."))
        version = int(row.versions.get(purpose, 1))
        before = Reveal.objects.filter(project=row, purpose=purpose, version=version, person_id=by.pk).first()
        if before is not None:
            raise _shown_before(credential)
        try:
            with transaction.atomic():
                Reveal.objects.create(
                    project=row,
                    purpose=purpose,
                    version=version,
                    person_id=by.pk,
                    person_name=by.username,
                    door=door,
                )
        except IntegrityError as error:
            raise _shown_before(credential) from error
        key = word(credential.title)
        text = phrase("%(who)s was shown a key of %(slug)s: %(key)s.", who=by.username, slug=row.slug, key=key)
        announce("key-shown", to=audience.owners_of(row), but=by, text=text, project=row)
        try:
            values = credential.shown(present_wish(row, settings=installation))
        except NoWish as error:
            raise Conflict(translated(error.message)) from error
        except PermanentError as error:
            raise Conflict(translated(error.message)) from error
    log.info("revealed", slug=project.slug, purpose=purpose, version=version)
    return Shown(credential=credential, version=version, values=values)


def move_to_current_key(project: Project, *, by: str, installation: Installation, end_old_now: bool = False) -> bool:
    """Have all credentials of a project come from the key ring's first key. False when they do, or it is being removed.

    Every one of them gets a new version; those before work on for the overlap, unless `end_old_now`: do that when the
    old key leaked. What still worked from earlier rotations ends.
    """
    current = installation.key_ring.current
    with audited(actor=by, door=Door.SYSTEM), transaction.atomic():
        row = hold_project(project.pk)
        if row.key_id in ("", current) or row.deletion_requested_at is not None:
            return False
        for credential in every_credential():
            hours = installation.catalogue.credentials.overlap_hours if credential.overlaps and not end_old_now else 0
            _next_version(row, credential.purpose, by=by, door=Door.SYSTEM, overlap=timedelta(hours=hours))
        row.key_id = current
        row.save(update_fields=["key_id"])
        text = phrase("All keys of %(slug)s were rotated, since the key that they come from was.", slug=row.slug)
        announce("keys-rotated", to=audience.owners_of(row), text=text, project=row)
    log.info("moved_to_key", slug=project.slug, key_id=current)
    return True


def _known(purpose: str) -> Credential:
    found = next((one for one in every_credential() if one.purpose == purpose), None)
    if found is None:
        raise NotFound
    return found


@contextmanager
def _locked(project: Project, *, by: "Person", may: permissions.Right, why_not: str) -> Iterator[Project]:
    """The project's row, held until the commit, for who has this right to it. Raises NotFound, NotAllowed, Conflict."""
    with transaction.atomic():
        row = hold_for(project, by=by, may=may, why_not=why_not % {"slug": project.slug})
        if row.deleted_at is not None:
            raise NotFound
        if row.deletion_requested_at is not None:
            raise Conflict(_("%(slug)s is being removed, and its keys with it.") % {"slug": row.slug})
        if row.suspended:
            message = _("%(slug)s is suspended, so nothing would be done about its keys. Have it resumed first.")
            raise Conflict(message % {"slug": row.slug})
        yield row


def _overlapping(project: Project, purpose: str) -> Rotation | None:
    """The rotation whose version before still works, or None."""
    version = project.versions.get(purpose, 1)
    running = Rotation.objects.filter(project=project, purpose=purpose, version=version)
    return running.filter(earlier_until__gt=timezone.now()).first()


def _next_version(project: Project, purpose: str, *, by: str, door: Door, overlap: timedelta) -> Rotation:
    now, version = timezone.now(), int(project.versions.get(purpose, 1)) + 1
    project.versions = {**project.versions, purpose: version}
    _look_soon(project)
    return Rotation.objects.create(
        project=project,
        purpose=purpose,
        version=version,
        earlier_key_id=project.key_id,
        earlier_until=now + overlap,
        rotated_at=now,
        rotated_by=by,
        door=door,
    )


def _look_soon(project: Project) -> None:
    project.next_look_at = timezone.now()
    project.save(update_fields=["versions", "next_look_at"])
    ring_project(project.pk)


def _shown_before(credential: Credential) -> Conflict:
    return Conflict(
        _("You were shown this version of the %(title)s before; each is shown once to each person. It stands in the "
          "workspace, or rotate it and have the new one shown.") % {"title": _(credential.title).lower()}
    )  # fmt: skip
