"""The page of stand-ins: who decides in my place while I am away, and for whom I do."""

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from projects import short_lists, stand_ins
from projects.answers import answered, person_of
from projects.errors import InvalidSpec
from projects.exports import file_of
from projects.installation import installation
from projects.models import Door


@require_http_methods(["GET", "POST"])
def stand_in_page(request: HttpRequest) -> HttpResponseBase:
    """Who decides in my place while I am away, and for whom I do; by `format=csv|json` as a file."""
    person, faults = person_of(request), {}
    records = short_lists.of_stand_ins(stand_ins.of_person(person))
    if file := file_of(request, records, columns=short_lists.STAND_INS, name="stand-ins"):
        return file
    if request.method == "POST":
        with answered():
            try:
                stand_ins.name(
                    request.POST.get("q", ""),
                    begins=_day(request.POST.get("begins", "")),
                    ends=_day(request.POST.get("ends", "")),
                    by=person,
                    door=Door.FORM,
                    installation=installation(),
                )
                return redirect("projects:stand-ins")
            except InvalidSpec as error:
                faults = {str(fault.path[0]): fault.message for fault in error.faults}
    shown = {
        "rows": list(stand_ins.of_person(person)),
        "may_name": stand_ins.may_name(person, installation=installation()),
        "faults": faults,
        "typed": {name: request.POST.get(name, "") for name in ("q", "begins", "ends")},
    }
    return render(request, "projects/stand_ins.html", shown, status=422 if faults else 200)


@require_POST
def end_stand_in(request: HttpRequest, number: int) -> HttpResponse:
    """End one at once."""
    with answered():
        stand_ins.end(number, by=person_of(request), door=Door.FORM)
    return redirect("projects:stand-ins")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
