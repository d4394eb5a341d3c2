"""Pick the project's own keys from a repository's secrets, for the later steps of the workflow.

Slipway keeps the keys as secrets of the repository, and their names, after a digest, in its variable SLIPWAY_SECRETS.
This reads the list from SLIPWAY_SECRETS and all secrets as JSON from GIVEN, and prints what is in both as the file
GITHUB_ENV wants it. Without a list, and in a fork's pull request, it prints nothing.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping


def picked(environ: Mapping[str, str]) -> dict[str, str]:
    """The project's own secrets by name."""
    given = {name.upper(): value for name, value in (json.loads(environ.get("GIVEN") or "{}") or {}).items()}
    _, *listed = environ.get("SLIPWAY_SECRETS", "").split() or [""]
    return {name: given[name] for name in sorted(listed) if name in given}


def lines(values: Mapping[str, str]) -> Iterator[str]:
    """How GITHUB_ENV has them. Raises ValueError for a value of several lines, which could name other variables."""
    for name, value in values.items():
        if len(value.splitlines()) > 1:
            raise ValueError(f"{name} has several lines")
        yield f"{name}={value}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in lines(picked(os.environ)))
