"""What waits behind what: a backlog of projects holds up neither rounds nor answers to a push."""

import pytest

from portal.celery import app


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("projects.tasks.reconcile_project", "slipway"),
        ("projects.tasks.sweep", "slipway-rounds"),
        ("projects.feedback_tasks.tell", "slipway-rounds"),
        ("projects.tasks.read_profile", "slipway-deliveries"),
    ],
)
def test_each_task_has_its_queue(task: str, queue: str) -> None:
    assert app.amqp.router.route({}, task)["queue"].name == queue
    assert queue in app.amqp.queues
