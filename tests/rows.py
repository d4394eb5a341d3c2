"""Rows of any model, made from what its fields say: for tests that look at every model there is."""

import itertools
import uuid
from datetime import timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

_number = itertools.count(1)

PARTICULAR: dict[str, dict[str, Any]] = {
    "projects.Feedback": {"pull_request": 1},
    "projects.Plot": {"media_type": "image/png"},
    "portal.ApiToken": {"scopes": ["read"]},
    "projects.Rotation": {"version": 2, "earlier_until": timezone.now() + timedelta(days=400)},
    "projects.SeenAs": {"until": timezone.now() + timedelta(days=400)},
    "projects.Succession": {"offered_to": 1},
    "projects.ReadyTime": {"accepted_at": timezone.now() - timedelta(days=1)},
}
"""What a constraint asks for and no field says."""


def row_of(model: type[models.Model]) -> models.Model:
    """A new row with rows of its own for everything that it points to."""
    given = dict(PARTICULAR.get(model._meta.label, {}))
    for field in model._meta.concrete_fields:
        if field.name in given or isinstance(field, models.AutoField):
            continue
        if isinstance(field, models.ForeignKey):
            if field.null is False or field.name in ("project", "run", "mailing"):
                given[field.name] = row_of(field.related_model)
        elif not field.has_default() and not field.null:
            given[field.name] = _value(field)
    row = model(**given)
    row.save()
    return row


def _value(field: Any) -> Any:
    number = next(_number)
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, ArrayField):
        return []
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.UUIDField):
        return uuid.uuid4()
    if isinstance(field, models.BinaryField):
        return b"row"
    if isinstance(field, models.DateTimeField):
        return timezone.now()
    if isinstance(field, models.DateField):
        return timezone.now().date()
    if isinstance(field, models.BooleanField):
        return False
    if isinstance(field, models.IntegerField | models.FloatField):
        return number
    return f"row-{number}"[: field.max_length or None]
