"""Making and removing one's own tokens, the same for the API and the account page.

A token is kept as a digest only: whoever makes it gets it once, in the answer.
"""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from django.utils.translation import gettext
from pydantic import AfterValidator, Field, StringConstraints

from portal.models import ApiToken, User
from projects.closed import Closed
from projects.errors import Conflict, NotFound
from provisioning.spec import check_text

MOST = 50
Scope = Literal["read", "write"]


class NewToken(Closed):
    """What the token is for, what it may do, and for how many days."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(check_text)]
    scopes: list[Scope] = Field(default=["read"], min_length=1, max_length=2)
    days: int = Field(default=90, ge=1, le=365)


def make_token(wanted: NewToken, *, owner: User) -> tuple[ApiToken, str]:
    """The new row, and the token itself, which can't be had again. Raises Conflict when there are too many."""
    if ApiToken.objects.filter(user=owner).count() >= MOST:
        raise Conflict(gettext("You have %(most)s tokens. Remove those that nothing uses any more.") % {"most": MOST})
    scopes = sorted({"read", *wanted.scopes})
    made: tuple[ApiToken, str] = ApiToken.objects.create(
        owner, expiry=timedelta(days=wanted.days), name=wanted.name, scopes=scopes
    )
    return made


def remove_token(uid: UUID, *, owner: User) -> None:
    """End one's token at once. Raises NotFound, also for somebody else's."""
    gone, _ = ApiToken.objects.filter(user=owner, uid=uid).delete()
    if not gone:
        raise NotFound
