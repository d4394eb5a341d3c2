"""The platform team hears in its daily mail what was changed by hand and put back, a line for each hour."""

from collections import Counter
from datetime import datetime, timedelta

from django.db import transaction

from projects import audience
from projects.exports import BATCH
from projects.models import Heartbeat
from projects.notices import announce
from projects.platform_lists import drift_of, drifts
from provisioning.phrases import numbered, phrase

EVERY = timedelta(hours=1)
_LAG = timedelta(minutes=5)
"""Longer than a repair takes, so that what was found is put back by the time it is told."""
_NAMED = 10
_BEAT = "repairs-told"


def tell_of_repairs(*, now: datetime) -> int:
    """Tell what was put back since it was told last. Returns how many resources; 0 also when it is not time yet."""
    until = now - _LAG
    with transaction.atomic():
        beat, _ = Heartbeat.objects.select_for_update().get_or_create(name=_BEAT, defaults={"at": until - EVERY})
        if until - beat.at < EVERY:
            return 0
        found = map(drift_of, drifts().filter(at__gt=beat.at, at__lte=until).iterator(chunk_size=BATCH))
        slugs = Counter(one.event.project.slug for one in found if one.outcome == "put_back")
        beat.at = until
        beat.save(update_fields=["at"])
        if slugs:
            named: str = ", ".join(slug for slug, _ in slugs.most_common(_NAMED))
            if len(slugs) > _NAMED:
                named = phrase("%(some)s and %(number)s more", some=named, number=len(slugs) - _NAMED)
            text = numbered(
                "Changed by hand and put back: %(number)s time, in %(projects)s.",
                "Changed by hand and put back: %(number)s times, in %(projects)s.",
                slugs.total(),
                projects=named,
            )
            announce("drift-repaired", to=audience.platform_team(), text=text)
    return slugs.total()
