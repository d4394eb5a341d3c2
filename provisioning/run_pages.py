"""The address of a run's page: the catalogue says what it looks like, CI reports it, pages and comments lead there.

What the catalogue takes, a report must be allowed to say: else no report of any project would be taken.
"""

LENGTH = 500
"""How long an address is at most."""
NEVER = r"""\s<>"'()\[\]\\`"""
"""What no address has, as part of a character class: HTML or Markdown would take it for the end of the address."""
_NAME = 63
"""How long names of namespaces and runs are at most."""


def longest(pattern: str) -> int:
    """How long an address may become that has {namespace} and {run} for the names."""
    return len(pattern.replace("{namespace}", "n" * _NAME).replace("{run}", "r" * _NAME))
