"""Which day it is for rights and end dates: the installation's, never the reader's.

Pages are drawn in the reader's time zone, so the day of `timezone.localdate()` depends on what a browser says of
itself. A role that ends today must end for everybody at the same moment.
"""

from datetime import date

from django.utils import timezone


def today() -> date:
    """The day by the installation's clock (TIME_ZONE of the settings)."""
    return timezone.localdate(timezone=timezone.get_default_timezone())
