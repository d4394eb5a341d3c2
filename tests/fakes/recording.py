"""What all fakes can do besides their part: remember their calls, and fail when a test asks for it."""

import threading
from dataclasses import dataclass


@dataclass
class _Plan:
    error: Exception
    method: str
    left: int
    before: int


class Recorder:
    """Base of the fakes. `calls` holds one tuple for each call: the method's name, then what it was about."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._plans: list[_Plan] = []
        self._lock = threading.RLock()

    def fail_with(self, error: Exception, *, on: str, times: int = 1, after: int = 0) -> None:
        """Raise `error` in the next `times` calls of the method `on` ("*": of any), before anything is done.

        after: so many calls go well first.
        """
        self._plans.append(_Plan(error=error, method=on, left=times, before=after))

    def end_failures(self) -> None:
        """Answer again."""
        self._plans.clear()

    def made(self, *methods: str) -> list[tuple[str, ...]]:
        """The calls of these methods, in order."""
        return [call for call in self.calls if call[0] in methods]

    def _enter(self, method: str, *about: str) -> None:
        self.calls.append((method, *about))
        for plan in self._plans:
            if plan.left > 0 and plan.method in (method, "*"):
                if plan.before > 0:
                    plan.before -= 1
                    continue
                plan.left -= 1
                raise plan.error
