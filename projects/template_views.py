"""The platform team's page of templates: who is at which version, and where a newer one waits to be merged."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects import template_board
from projects.answers import platform_admin_of
from projects.listing import page_of

PAGE = 50


@require_GET
def templates(request: HttpRequest) -> HttpResponse:
    """Versions with how many projects are at each, and the projects, newest first."""
    platform_admin_of(request)
    page = page_of(template_board.uses(), before=request.GET.get("before", ""), size=PAGE)
    shown = {"adoption": template_board.adoption(), "uses": page.rows, "older": page.older}
    return render(request, "platform/templates.html", shown)
