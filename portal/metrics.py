"""Figures for Prometheus, on a port of their own, from the worker: what the rows say at the time of the scrape.

Numbers come from Postgres, so they are the same whichever worker is asked, and right after a restart.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db import Error, connection
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from projects.directory_state import directory_status
from projects.models import Decision, Heartbeat, Project, ProjectRequest
from provisioning.models import Resource, TargetHealth


class Rows(Collector):
    """Reads the figures when it is asked."""

    def collect(self) -> Iterable[Metric]:
        """The figures; only `slipway_up 0` while the database is away."""
        up = GaugeMetricFamily("slipway_up", "1 when the database answers.")
        try:
            found = list(_figures())
        except Error:
            up.add_metric([], 0)
            return [up]
        finally:
            connection.close()
        up.add_metric([], 1)
        return [up, *found]


def _figures() -> Iterator[Metric]:
    now = timezone.now()
    projects = Project.objects.filter(deleted_at=None)
    counts = GaugeMetricFamily("slipway_projects", "Projects that are not removed.", labels=["state"])
    counts.add_metric(["ready"], projects.filter(ready_at__isnull=False, deletion_requested_at=None).count())
    counts.add_metric(["not_ready"], projects.filter(ready_at=None, deletion_requested_at=None).count())
    counts.add_metric(["being_removed"], projects.filter(deletion_requested_at__isnull=False).count())
    yield counts
    due = projects.filter(next_look_at__lte=now).aggregate(count=Count("pk"), oldest=Min("next_look_at"))
    waiting = GaugeMetricFamily("slipway_due_projects", "Projects whose time to be looked at has come.")
    waiting.add_metric([], due["count"])
    yield waiting
    age = GaugeMetricFamily("slipway_due_age_seconds", "How long the longest has been due.")
    age.add_metric([], (now - due["oldest"]).total_seconds() if due["oldest"] else 0)
    yield age
    resources = GaugeMetricFamily("slipway_resources", "Resources by Kind and reason.", labels=["kind", "reason"])
    for row in Resource.objects.values("kind", "synced_reason").annotate(count=Count("pk")):
        resources.add_metric([row["kind"], row["synced_reason"]], row["count"])
    yield resources
    answering = GaugeMetricFamily("slipway_target_answering", "1 when the target answered last.", labels=["target"])
    for health in TargetHealth.objects.all():
        answering.add_metric([health.name], int(health.answering))
    yield answering
    yield from _directory(now)
    pending = GaugeMetricFamily("slipway_requests_pending", "Requests that wait for a person.")
    pending.add_metric([], ProjectRequest.objects.filter(decision=Decision.PENDING).count())
    yield pending
    beats = GaugeMetricFamily("slipway_loop_age_seconds", "Since a loop last did its round.", labels=["loop"])
    for beat in Heartbeat.objects.all():
        beats.add_metric([beat.name], (now - beat.at).total_seconds())
    yield beats


def _directory(now: datetime) -> Iterator[Metric]:
    """Of the directory in the catalogue; nothing where there is none."""
    status = directory_status()
    if status is None:
        return
    entries = GaugeMetricFamily("slipway_directory_entries", "As of the last complete sync.", labels=["kind"])
    entries.add_metric(["person"], status.people)
    entries.add_metric(["group"], status.groups)
    yield entries
    failing = GaugeMetricFamily("slipway_directory_failing", "1 when the last sync failed or was held back.")
    failing.add_metric([], int(status.failing_since is not None))
    yield failing
    if status.complete_at is not None:
        age = GaugeMetricFamily("slipway_directory_age_seconds", "Since the last complete sync.")
        age.add_metric([], (now - status.complete_at).total_seconds())
        yield age


def serve(*, port: int, address: str = "127.0.0.1") -> None:
    """Answer scrapes from a thread of this process. Raises OSError when the port is in use."""
    registry = CollectorRegistry()
    registry.register(Rows())
    start_http_server(port, addr=address, registry=registry)
