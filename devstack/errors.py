"""The one error of the dev stack: it says what happened, why, and what to do."""


class StackError(Exception):
    """A step that could not be done. `what` happened, `why`, and what to `do` about it."""

    def __init__(self, *, what: str, why: str, do: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what = what
        self.why = why
        self.do = do

    def text(self) -> str:
        """The three parts as lines for the terminal."""
        return f"{self.what}\n  why:     {self.why}\n  to do:   {self.do}"
