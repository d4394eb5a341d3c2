"""Telling people: a notice for each, written in the transaction of what it tells of, so that none is lost or early.

Nothing is sent here; `projects.mailing` does that, when `projects.mail_times` says, and `projects.chatting` for
channels.
"""

from collections.abc import Iterable

from django.contrib.auth.models import AbstractUser
from django.utils import timezone

from projects.chatting import tell_channels
from projects.installation import installation
from projects.mail_times import choices_of, mail_time
from projects.models import BulkRun, DataConsent, Notice, Project, ProjectRequest
from projects.news import Kind
from projects.phrases import as_kept
from provisioning.phrases import Phrase


def announce(
    kind: Kind,
    *,
    to: Iterable[AbstractUser],
    text: Phrase,
    but: AbstractUser | None = None,
    request: ProjectRequest | None = None,
    project: Project | None = None,
    consent: DataConsent | None = None,
    run: BulkRun | None = None,
    posted: Kind | None = None,
) -> int:
    """Keep the sentence for each of these people once, without `but` (who did it) and who is switched off.

    Each is told in their own language, and channels that are to hear of it in English, whoever else does. Returns for
    how many people. Call it inside the transaction of what is told. posted: as which kind the same was announced just
    before, so that no channel that heard of that hears it twice.
    """
    tell_channels(kind, text=text, request=request, project=project, consent=consent, posted=posted)
    people = {one.pk for one in to if one.is_active and (but is None or one.pk != but.pk)}
    if not people:
        return 0
    now, window = timezone.now(), installation().mail_window
    about = project.pk if project is not None else request.project_id if request is not None else None
    times = {
        pk: mail_time(kind, choice=choice, project=about, now=now, window=window)
        for pk, choice in choices_of(people).items()
    }
    Notice.objects.bulk_create(
        Notice(
            person_id=pk,
            kind=kind,
            text=text,
            phrases=as_kept(text=text),
            request=request,
            project=project,
            consent=consent,
            run=run,
            created_at=now,
            mail_at=times[pk],
        )
        for pk in sorted(people)
    )
    return len(people)
