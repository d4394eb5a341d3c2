"""What a caller needs to know before asking: plans, targets, oneself, and the schema of a profile."""

from functools import cache

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from projects import permissions
from projects.api_base import Api, person, plain
from projects.closed import Closed
from projects.installation import installation
from projects.openapi import answers
from projects.payload import read_query
from projects.reference_serializers import (
    Me,
    PlanSizeList,
    PlanSizeOut,
    TargetList,
    TargetOut,
)
from projects.spec import json_schema
from provisioning.models import TargetHealth


class Plans(Api):
    """Named sizes."""

    @extend_schema(
        operation_id="list_plans", summary="List the plans", tags=["reference"], responses=answers({200: PlanSizeList})
    )
    def get(self, request: Request) -> Response:
        """Every plan of the catalogue."""
        read_query(Closed, request)
        catalogue = installation().catalogue
        items = [PlanSizeOut.model_validate(plan, from_attributes=True) for plan in catalogue.plans.values()]
        return Response(plain(PlanSizeList(default=catalogue.defaults.plan, items=items)))


class Targets(Api):
    """Outside systems."""

    @extend_schema(
        operation_id="list_targets",
        summary="List how the outside systems answer",
        tags=["reference"],
        responses=answers({200: TargetList}),
    )
    def get(self, request: Request) -> Response:
        """Every target; what it said and its version only for the platform team."""
        read_query(Closed, request)
        rows = TargetHealth.objects.order_by("name")
        if permissions.is_platform_admin(person(request)):
            items = [TargetOut(**row.as_dict()) for row in rows]
        else:
            items = [TargetOut(name=row.name, answering=row.answering, since=row.since) for row in rows]
        return Response(plain(TargetList(items=items)))


class MeDetail(Api):
    """Oneself."""

    @extend_schema(operation_id="read_me", summary="Who you are here", tags=["reference"], responses=answers({200: Me}))
    def get(self, request: Request) -> Response:
        """The caller's account, groups and teams."""
        read_query(Closed, request)
        user = person(request)
        me = Me(
            username=user.username,
            name=user.get_full_name(),
            email=user.email,
            platform_admin=permissions.is_platform_admin(user),
            directory_groups=list(user.directory_groups),
            teams=list(permissions.teams_of(user).values_list("slug", flat=True)),
        )
        return Response(plain(me))


@login_not_required
@require_safe
@cache_control(public=True, max_age=3600)
def profile_schema(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """JSON Schema of a ProjectSpec, for editors. It tells what can be asked for, nothing about this installation."""
    response = JsonResponse(_profile_schema(), content_type="application/schema+json")
    response["Access-Control-Allow-Origin"] = "*"
    return response


@cache
def _profile_schema() -> dict[str, object]:
    return json_schema()
