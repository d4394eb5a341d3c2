"""What is said about a request: kept, told to who is concerned, and an answer of the asker gives it back.

Everything here runs inside its caller's transaction, which holds the request.
"""

from typing import TYPE_CHECKING

from projects import audience, permissions
from projects.granting import answer_commit
from projects.models import Door, ProjectRequest, RequestComment
from projects.notices import announce
from provisioning.phrases import joined, phrase

if TYPE_CHECKING:
    from projects.permissions import Person


def keep(
    request: ProjectRequest, *, by: "Person", door: Door, text: str, asks: bool = False, answers: bool = False
) -> RequestComment:
    """Write it down. asks: the asker is to change the request or to answer. answers: by this they did."""
    return RequestComment.objects.create(
        request=request,
        by_id=by.pk,
        by_name=by.username,
        door=door,
        text=text,
        asks=asks,
        answers=answers,
        revision=request.revision,
    )


def say(request: ProjectRequest, *, by: "Person", door: Door, text: str, joining: bool = False) -> RequestComment:
    """Write it down and tell who asked, decides or spoke before. An answer gives it back to who decides.

    joining: by these words somebody asks for the same, so they answer nothing that was asked of others.
    """
    authors = permissions.authors_of(request)
    answers = by.pk in authors and request.asked_back_at is not None and not joining
    said = keep(request, by=by, door=door, text=text, answers=answers)
    deciders = set(audience.deciders_of(request)) if by.pk in authors else set()
    to = {one.by for one in request.comments.select_related("by")} | set(audience.askers_of(request)) | deciders
    heard = phrase("%(who)s about %(slug)s: %(what)s", who=by.username, slug=request.slug, what=text)
    if answers:
        request.asked_back_at = None
        request.save(update_fields=["asked_back_at"])
        answer_commit(request)
        # As what waits, which nobody can mute.
        waits = joined(" ", [heard, phrase("It waits for a decision again.")])
        announce("request-waits", to=deciders, but=by, text=waits, request=request)
        to -= deciders
    announce("comment", to=to, but=by, text=heard, request=request, posted="request-waits" if answers else None)
    return said
