"""The Celery app: a doorbell and nothing more. Postgres holds the work, so any message may be lost or doubled."""

import ctypes
import os
import platform
import sys

from celery import Celery
from celery.signals import setup_logging, task_postrun, worker_process_init, worker_ready
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# Django's checks load the URL map and all behind it, which worker and beat have no other use for. `migrate` makes them.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

app = Celery("slipway")
_libc = ctypes.CDLL("libc.so.6") if sys.platform == "linux" and platform.libc_ver()[0] == "glibc" else None
_config = settings.CONFIG
_ROUNDS = (
    "directory_tasks",
    "usage_tasks",
    "platform_tasks",
    "bulk_tasks",
    "decision_tasks",
    "notice_tasks",
    "feedback_tasks",
    "template_tasks",
    "training_tasks",
    "scorecard_tasks",
    "ci_run_tasks",
)
_LARGE = (
    "projects.tasks.scan_fleet",
    "projects.usage_tasks.measure_usage",
    "projects.directory_tasks.sync_directory",
    "projects.decision_tasks.remind_deciders",
)
app.conf.update(
    broker_url=_config.redis_url,
    task_ignore_result=True,
    task_acks_late=False,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="slipway",
    # Queues served in turn: a backlog of projects must not hold up what finds lost work and silent targets, nor the
    # answer to a push or to somebody who asks the bot.
    task_queues=[Queue("slipway"), Queue("slipway-rounds"), Queue("slipway-deliveries")],
    task_routes={
        f"projects.tasks.{name}": {"queue": "slipway-rounds"}
        for name in ("sweep", "probe_targets", "scan_fleet", "poll_profiles", "suspend_expired", "tidy")
    }
    | {f"projects.{module}.*": {"queue": "slipway-rounds"} for module in _ROUNDS}
    | {"projects.tasks.read_profile": {"queue": "slipway-deliveries"}},
    worker_prefetch_multiplier=1,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_soft_shutdown_timeout=20,
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
    task_publish_retry=False,
    broker_transport_options={
        "visibility_timeout": 300,
        "socket_timeout": 20,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 15,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    },
    beat_schedule={
        "sweep": {
            "task": "projects.tasks.sweep",
            "schedule": _config.sweep_seconds,
            "options": {"expires": _config.sweep_seconds * 3},
        },
        "probe-targets": {"task": "projects.tasks.probe_targets", "schedule": 3.0, "options": {"expires": 9}},
        "scan": {
            "task": "projects.tasks.scan_fleet",
            "schedule": _config.scan_seconds,
            "options": {"expires": _config.scan_seconds * 2},
        },
        "poll-profiles": {"task": "projects.tasks.poll_profiles", "schedule": 60.0, "options": {"expires": 60}},
        "suspend-expired": {"task": "projects.tasks.suspend_expired", "schedule": 600.0, "options": {"expires": 600}},
        "measure-usage": {
            "task": "projects.usage_tasks.measure_usage",
            "schedule": _config.usage_seconds,
            "options": {"expires": _config.usage_seconds},
        },
        "remove-old-runs": {
            "task": "projects.ci_run_tasks.remove_old_runs",
            "schedule": 300.0,
            "options": {"expires": 300},
        },
        "count-fleet": {"task": "projects.platform_tasks.count_fleet", "schedule": 15.0, "options": {"expires": 15}},
        "recount-units": {
            "task": "projects.platform_tasks.recount_units",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "judge-fleet": {
            "task": "projects.scorecard_tasks.judge_fleet",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "remind-deciders": {
            "task": "projects.decision_tasks.remind_deciders",
            "schedule": 300.0,
            "options": {"expires": 300},
        },
        "sync-directory": {
            "task": "projects.directory_tasks.sync_directory",
            # The task itself knows when its time has come, also after a restart of beat.
            "schedule": min(30.0, _config.directory_seconds),
            "options": {"expires": 60},
        },
        "ring-for-runs": {"task": "projects.bulk_tasks.ring_for_runs", "schedule": 5.0, "options": {"expires": 10}},
        "follow-directory": {
            "task": "projects.directory_tasks.follow_directory",
            "schedule": 600.0,
            "options": {"expires": 600},
        },
        "send-notices": {"task": "projects.notice_tasks.send_notices", "schedule": 10.0, "options": {"expires": 20}},
        "post-to-channels": {
            "task": "projects.notice_tasks.post_to_channels",
            "schedule": 10.0,
            "options": {"expires": 20},
        },
        "tell-of-ends": {"task": "projects.notice_tasks.tell_of_ends", "schedule": 600.0, "options": {"expires": 600}},
        "tell-of-troubles": {
            "task": "projects.notice_tasks.tell_of_troubles",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "tell-of-repairs": {
            "task": "projects.notice_tasks.tell_of_repairs",
            "schedule": 600.0,
            "options": {"expires": 600},
        },
        "forget-notices": {
            "task": "projects.notice_tasks.forget_notices",
            "schedule": 3600.0,
            "options": {"expires": 3600},
        },
        "ring-for-feedback": {
            "task": "projects.feedback_tasks.ring_for_feedback",
            "schedule": 5.0,
            "options": {"expires": 10},
        },
        "ring-for-trainings": {
            "task": "projects.training_tasks.ring_for_trainings",
            "schedule": 5.0,
            "options": {"expires": 10},
        },
        "follow-schedules": {
            "task": "projects.training_tasks.follow_schedules",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "follow-data": {"task": "projects.training_tasks.follow_data", "schedule": 300.0, "options": {"expires": 300}},
        "follow-templates": {
            "task": "projects.template_tasks.follow_templates",
            "schedule": 60.0,
            "options": {"expires": 60},
        },
        "tidy": {"task": "projects.tasks.tidy", "schedule": 3600.0, "options": {"expires": 3600}},
    },
)
# Carries the request id of a click over to the worker's log lines.
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks(["projects"])
for _module in _ROUNDS:
    app.autodiscover_tasks(["projects"], related_name=_module)


@setup_logging.connect
def _keep_our_logging(**_: object) -> None:
    """Celery must not replace the logging that Django's settings made."""


@worker_process_init.connect
def _fresh_clients(**_: object) -> None:
    """A forked child may not share sockets with its parent."""
    from provisioning.targets import forget_clients

    forget_clients()


@task_postrun.connect
def _give_memory_back(task: object = None, **_: object) -> None:
    """After the large listings of a round: glibc keeps what was freed, in pieces, unless it is asked to let go."""
    if getattr(task, "name", "") in _LARGE and _libc is not None:
        _libc.malloc_trim(0)


@worker_ready.connect
def _serve_metrics(**_: object) -> None:
    """The worker answers Prometheus, where a port is configured."""
    from portal.metrics import serve

    if _config.metrics_port:
        serve(port=_config.metrics_port, address=_config.metrics_address)
