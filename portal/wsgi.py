"""The WSGI entry that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from provisioning.kind import kinds

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

# What the first request would otherwise wait for: addresses with their views, and the Kinds.
get_resolver().url_patterns  # noqa: B018
kinds()
