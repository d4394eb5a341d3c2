"""What the API itself refuses, before the domain is asked. `portal.errors` turns it into problem+json."""

from collections.abc import Sequence

from rest_framework.exceptions import APIException

from projects.errors import Fault


class Refused(APIException):
    """A call that is refused for its form. `wait`: seconds until it makes sense to ask again (Retry-After)."""

    def __init__(
        self, status: int, *, code: str, detail: str, faults: Sequence[Fault] = (), wait: int | None = None
    ) -> None:
        super().__init__(detail, code)
        self.status_code = status
        self.code = code
        self.faults = tuple(faults)
        self.wait = wait
