"""Pictures that CI sent, served from our own host: to who may see the project, as pictures and as nothing else."""

from django.db.models import Prefetch, QuerySet
from django.http import HttpResponse

from projects.errors import NotFound
from projects.models import Plot, Project, Report


def with_plots(rows: QuerySet[Report]) -> QuerySet[Report]:
    """Reports with what there is to know of their plots; the pictures themselves stay in the database."""
    return rows.prefetch_related(Prefetch("plots", queryset=Plot.objects.defer("content")))


def picture(project: Project, *, report: int, plot: int) -> HttpResponse:
    """The bytes of a picture of this project. Raises NotFound.

    The caller has checked that the person sees the project. Whatever the bytes hide, no browser runs any of it.
    """
    found = Plot.objects.filter(pk=plot, report=report, report__project=project).first()
    if found is None:
        raise NotFound
    suffix = found.media_type.removeprefix("image/")
    return HttpResponse(
        bytes(found.content),
        content_type=found.media_type,
        headers={
            "Content-Disposition": f'inline; filename="plot-{found.pk}.{suffix}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            # A plot never changes.
            "Cache-Control": "private, max-age=86400, immutable",
        },
    )
