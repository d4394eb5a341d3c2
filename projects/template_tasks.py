"""The round that keeps projects and templates together: keep new versions, look at some projects that are due."""

from contextlib import suppress
from datetime import timedelta

import structlog
from celery import shared_task
from django.db.models import Exists, OuterRef
from django.utils import timezone

from projects import template_versions
from projects.installation import Installation, installation
from projects.models import Project, TemplateUse
from projects.phrases import as_kept
from projects.rounds import alone
from projects.template_offers import look
from projects.wishes import NoWish, present_wish
from provisioning import targets
from provisioning.conditions import Status
from provisioning.errors import PermanentError, ProvisioningError, TargetUnavailable, TemporaryError
from provisioning.models import Resource
from provisioning.rendered import Rendered

log = structlog.get_logger(__name__)

BATCH = 50
EVERY = timedelta(hours=1)
AGAIN = timedelta(minutes=5)


@shared_task
def follow_templates() -> None:
    """Look at the projects that are due, so many in one round; the others are due in the next."""
    settings = installation()
    with alone("templates") as mine:
        if not mine:
            return
        newest = newest_versions(settings)
        if newest:
            _begin()
            for use in _due():
                _look(use, settings, newest)


def newest_versions(settings: Installation) -> dict[str, Rendered]:
    """The present version of each usable template, kept. One that changed without a new number is left out."""
    found = {}
    for name in _names(settings):
        try:
            rendered = settings.templates.render(name)
        except (PermanentError, TemporaryError) as error:
            log.warning("template_unusable", template=name, error=error.message)
            continue
        if template_versions.keep(rendered):
            found[name] = rendered
    return found


def keep_present(settings: Installation) -> None:
    """Keep the present version of each template that was never seen: its round comes within a minute only."""
    for name in _names(settings):
        with suppress(PermanentError, TemporaryError):
            if not template_versions.is_kept(name, settings.templates.version(name)):
                template_versions.keep(settings.templates.render(name))


def _names(settings: Installation) -> list[str]:
    return sorted({one.copier for one in settings.catalogue.templates if one.copier is not None})


def _begin() -> None:
    """A row for each project whose repository has its first commit, and that has none yet."""
    opened = Resource.objects.filter(project=OuterRef("pk"), kind="repository_access", ready_status=Status.TRUE)
    new = Project.objects.filter(Exists(opened), template_use=None, deletion_requested_at=None)
    rows = new.order_by("pk").values_list("pk", flat=True)
    TemplateUse.objects.bulk_create([TemplateUse(project_id=pk) for pk in rows[:BATCH]], ignore_conflicts=True)


def _due() -> list[TemplateUse]:
    rows = TemplateUse.objects.filter(
        look_at__lte=timezone.now(), project__deletion_requested_at=None, project__suspended=False
    )
    return list(rows.select_related("project__team").order_by("look_at")[:BATCH])


def _look(use: TemplateUse, settings: Installation, newest: dict[str, Rendered]) -> None:
    # Before the look: a project that ends the round, or the whole process, must not be the first of the next one too.
    use.look_at = timezone.now() + EVERY
    use.save(update_fields=["look_at"])
    with suppress(NoWish):
        wish = present_wish(use.project, settings=settings)
        try:
            look(use, wish, targets.open_client(wish.forge, resolve=settings.resolve), newest)
            return
        except TargetUnavailable as error:
            targets.trip(wish.forge.name, error)
            use.look_at = timezone.now() + AGAIN
        except TemporaryError:
            use.look_at = timezone.now() + AGAIN
        except ProvisioningError as error:
            use.note, use.phrases = error.message[:300], as_kept(note=error.message)
        use.save(update_fields=["look_at", "note", "phrases"])
