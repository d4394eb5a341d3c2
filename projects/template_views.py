"""The platform team's page of templates: who is at which version, and where a newer one waits to be merged."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from projects import template_board
from projects.answers import platform_admin_of
from projects.exports import form_asked, stream
from projects.models import TemplateUse
from projects.platform_lists import offered
from projects.sorting import Sorted, in_order, order_asked, sorted_page

PAGE = 50


@require_GET
def templates(request: HttpRequest) -> HttpResponseBase:
    """Versions with how many projects are at each, and the projects, narrowed and sorted by the address.

    `format=csv|json`: the projects as a file.
    """
    platform_admin_of(request)
    chosen = template_board.Filter.of(request.GET.dict())
    rows, (order, falling) = chosen.applied(), order_asked(template_board.ORDERS, request.GET.get("sort", ""))
    if form := form_asked(request):
        records = template_board.records(in_order(rows, order=order, falling=falling))
        return stream(records, columns=template_board.COLUMNS, name="slipway-templates", form=form)
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    page: Sorted[TemplateUse] = sorted_page(rows, order=order, falling=falling, after=after, before=before, size=PAGE)
    adoption = template_board.adoption()
    shown = {
        "adoption": adoption,
        "page": page,
        "chosen": chosen,
        "all_templates": list(dict.fromkeys(one.template for one in adoption)),
        "all_versions": list(dict.fromkeys(one.version for one in adoption)),
        "all_teams": offered()["all_teams"],
    }
    return render(request, "platform/templates.html", shown)
