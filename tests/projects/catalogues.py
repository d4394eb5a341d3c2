"""The installation with something of its catalogue changed, for tests of what follows from that."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from django.test import override_settings

from projects.installation import installation


def catalogue_with(**changes: Any) -> AbstractContextManager[None]:
    """The installation whose catalogue has these parts (as a Catalogue has them) in the place of its own."""
    present = installation()
    return override_settings(INSTALLATION=replace(present, catalogue=present.catalogue.model_copy(update=changes)))
