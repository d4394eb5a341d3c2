"""What all addresses of the API share: strict bodies, no form pages, and how a project is found and answered."""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django.db.models.functions import Lower
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from projects import audience, permissions
from projects.actions import Asked
from projects.api_errors import Refused
from projects.errors import NotFound, StaleGeneration
from projects.models import Decision, Project, ProjectRequest
from projects.payload import StrictJson
from projects.serializers import AskedOut, PlanOut, ProjectOut, RequestOut

if TYPE_CHECKING:
    from projects.permissions import Person

_ETAG = re.compile(r'(W/)?"([^"]*)"')


class Api(APIView):
    """Base of every view of the API. `shown_once`: fields of an answer that are never stored."""

    parser_classes = [StrictJson]
    metadata_class = None
    shown_once: tuple[str, ...] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse (411) a body without a length: it would be taken for an empty one, and a change for none."""
        super().initial(request, *args, **kwargs)
        if "Transfer-Encoding" in request.headers and not request.headers.get("Content-Length"):
            raise Refused(411, code="length_required", detail="Say how long the body is (Content-Length).")


def person(request: Request) -> "Person":
    """Who calls; authentication has made sure that there is somebody."""
    return cast("Person", request.user)


def plain(shape: BaseModel) -> dict[str, Any]:
    """The data of an answer."""
    return shape.model_dump(mode="json")


def visible_project(request: Request, slug: str) -> Project:
    """The project with its team, if the caller may see it. Raises NotFound."""
    rows = permissions.visible_projects(person(request)).select_related("team", "registered_repository")
    # In the form of the unique index, which is the only one on slugs. They are stored in lower case.
    project = rows.alias(folded=Lower("slug")).filter(folded=slug).first()
    if project is None:
        raise NotFound
    return project


def expected_generation(request: Request, project: Project) -> int | None:
    """The generation that If-Match names; None for `*`. Raises Refused (428) without it, StaleGeneration (412).

    The generation is all that counts: a status that moved meanwhile is no reason to refuse a wish.
    """
    given = request.headers.get("If-Match")
    if given is None:
        detail = "Send If-Match with the ETag that you read, so that nobody's change is lost unseen."
        raise Refused(428, code="if_match_missing", detail=detail)
    if given.strip() == "*":
        return None
    # Weak validators never match here (RFC 9110, 13.1.1).
    read = {tag.partition(".")[0] for weak, tag in _ETAG.findall(given) if not weak}
    if str(project.generation) not in read:
        raise StaleGeneration(
            f"{project.slug} was changed in between (now at change {project.generation}). "
            "Read it again, then send yours."
        )
    return project.generation


def etag_of(project: Project, body: dict[str, Any]) -> str:
    """Strong validator of an answer about a project: the wish, and everything else that the body says."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    return f'"{project.generation}.{digest}"'


def project_answer(project: Project, request: Request) -> Response:
    """200 with the project and its ETag, or 304 when the caller knows it so."""
    body = plain(ProjectOut.of(project))
    etag = etag_of(project, body)
    known = request.headers.get("If-None-Match", "")
    if known.strip() == "*" or etag.strip('"') in {tag for _, tag in _ETAG.findall(known)}:
        return Response(status=304, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag, "Cache-Control": "private, no-cache"})


def request_out(row: ProjectRequest) -> RequestOut:
    """One request as an answer; team and decided_by must have been read with it."""
    return requests_out([row])[0]


def requests_out(rows: Sequence[ProjectRequest]) -> list[RequestOut]:
    """Several, read so as well."""
    asked = {group for row in rows if row.decision == Decision.PENDING for group in row.approvers}
    unheard = audience.unheard(asked)
    return [RequestOut.of(row, unheard=unheard if row.decision == Decision.PENDING else ()) for row in rows]


def asked_answer(asked: Asked) -> Response:
    """200 with the plan of a dry run or when nothing differs; otherwise 202 with where to follow it."""
    if asked.request is None and asked.project is None:
        return Response(plain(PlanOut.of(asked.preview)))
    request = request_out(asked.request) if asked.request else None
    project = ProjectOut.of(asked.project) if asked.project else None
    body = plain(AskedOut(request=request, project=project, warning=asked.preview.warning))
    if request is None:
        return Response(body)
    settled = project if request.decision is not Decision.PENDING else None
    location = settled.links.self if settled else request.url
    return Response(body, status=202, headers={"Location": location})
