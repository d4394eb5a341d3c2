"""The platform team's page of templates: who is at which version, and where a newer one waits to be merged."""

from collections.abc import Iterator

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects import template_board
from projects.answers import platform_admin_of
from projects.exports import Record, file_of
from projects.list_address import chosen_in, list_file, list_page
from projects.platform_lists import offered

PAGE = 50
_VERSIONS = ("template", "version", "projects", "open")


@require_GET
def templates(request: HttpRequest) -> HttpResponseBase:
    """Versions with how many projects are at each, and the projects, narrowed and sorted by the address.

    `format=csv|json`: the projects as a file, or by `list=versions` the versions.
    """
    platform_admin_of(request)
    if request.GET.get("list") == "versions" and (
        file := file_of(request, _versions(), columns=_VERSIONS, name="slipway-template-versions")
    ):
        return file
    chosen = chosen_in(request, "template", "version", "team")
    rows = template_board.rows(**chosen)
    if file := list_file(request, rows, of=template_board.LIST, name="slipway-templates"):
        return file
    adoption = template_board.adoption()
    shown = {
        "adoption": adoption,
        "page": list_page(request, rows, of=template_board.LIST, size=PAGE),
        "chosen": chosen,
        "all_templates": list(dict.fromkeys(one.template for one in adoption)),
        "all_versions": list(dict.fromkeys(one.version for one in adoption)),
        "all_teams": offered()["all_teams"],
    }
    return render(request, "platform/templates.html", shown)


def _versions() -> Iterator[Record]:
    for one in template_board.adoption():
        yield {name: getattr(one, name) for name in _VERSIONS}
