"""Who is asked about a request, in words: pages say it in the reader's language, a forge hears it in English."""

from collections.abc import Iterable

from django.utils.text import get_text_list
from django.utils.translation import gettext

from projects.identity import called
from projects.models import ProjectRequest


def deciders(approvers: Iterable[str]) -> str:
    """Who decides, as in "the platform team or ml-leads". approvers: the groups that are asked beside the former."""
    return get_text_list([gettext("the platform team"), *called(approvers)], gettext("or"))


def waits_for(request: ProjectRequest) -> str:
    """Who has to act on a request that is open: who asked, while changes are asked for, or else who decides."""
    return request.requested_by_name if request.asked_back_at is not None else deciders(request.approvers)
