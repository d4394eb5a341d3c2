"""The worker's addresses of pages are those of the URL map, which it never loads."""

import subprocess
import sys

from django.conf import settings
from django.urls import reverse

from projects import addresses

WORK = """
import sys
from portal.celery import app
app.loader.import_default_modules()
from projects.installation import installation
from projects.mail_text import compose
from projects.models import Notice, Project
notice = Notice(text="Demand is ready.", project=Project(slug="demand"))
mail = compose([notice], to="alice@corp.example", language="sv", number="<1@localhost>", installation=installation())
assert "/projects/demand/" in mail.body, mail.body
print(*sorted(name for name in sys.modules if name.endswith((".urls", "_urls", "_views", ".serializers"))))
"""


def test_they_are_those_of_the_url_map() -> None:
    assert (
        addresses.of_project("demand"),
        addresses.of_request(7),
        addresses.of_run(8),
        addresses.of_consent(9),
        addresses.NOTIFICATIONS,
    ) == (
        reverse("projects:project", args=["demand"]),
        reverse("projects:request", args=[7]),
        reverse("platform:run", args=[8]),
        reverse("projects:consent", args=[9]),
        reverse("projects:notifications"),
    )


def test_a_worker_that_mails_has_loaded_no_page() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    ours = [name for name in done.stdout.split() if name.startswith(("portal", "projects"))]
    assert ours == []
