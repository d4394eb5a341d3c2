"""A directory of 20,000 people and 5,000 groups: how long a sync takes and holds, and how fast the search answers.

The directory is made up and in memory, so what is measured is our side. On a database of its own; started as a process
of its own: `python -m bench.directory`.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from random import Random
from typing import Any

import httpx

from bench.scratch import apart
from bench.times import summary

PEOPLE, GROUPS = 20_000, 5_000
DIRECT = 5
"""Groups that a person is directly in."""
_GIVEN = (
    "Åsa Alice Anders Örjan Björn Bob Beatrice Charlie Camilla Göran Linnéa Henrik Maria Erik Sofia Pål Inés Jürgen "
    "Zoë Søren Łukasz Siobhán Yara Tova Lars-Göran Fatima Wei Priya"
)
_FAMILY = (
    "Andersson Åkesson Öberg Sjöberg Björklund O'Connor D'Angelo Weiß Müller Västberg Lindqvist Nygaard Söderström "
    "Hägglund Hedlund Murphy Nilsson Forsberg Zetterberg Ekström Gröndahl Östberg Haddad Kowalski Papadopoulou Silva"
)
_ABOUT = "vision speech forecast chassis powertrain battery lane radar plant quality demand pricing service"
TYPED = ("asa", "sjoberg", "maria o'connor", "jurgen wei", "vision", "ml-lane", "person-1234", "ovist", "zzz")
"""What people type; each beginning of it is a search."""


class MadeUp:
    """The directory; `Directory` of provisioning.directory."""

    name = "corp"

    def read(self) -> Iterator[Any]:
        """Groups in groups, then people, each in some groups."""
        from provisioning.directory import Edge, Entry

        chance = Random(4)
        groups = [f"10000000-0000-4000-8000-{number:012}" for number in range(GROUPS)]
        about = _ABOUT.split()
        for number, object_id in enumerate(groups):
            account = f"ml-{about[number % len(about)]}-{number:04}"
            yield Entry(object_id, True, account, account.replace("-", " "), place=f"Groups / {number % 40:02}")
            if number:
                yield Edge(object_id, groups[number // 6])
        names = list(product(_GIVEN.split(), _FAMILY.split()))
        for number in range(PEOPLE):
            given, family = names[number % len(names)]
            object_id, account = f"20000000-0000-4000-8000-{number:012}", f"person-{number:05}@corp.example"
            yield Entry(object_id, False, account, f"{given} {family}", account, f"Unit {number % 200:03}")
            for group in chance.sample(groups, DIRECT):
                yield Edge(object_id, group)

    def close(self) -> None:
        """Nothing is open."""


def run() -> dict[str, Any]:
    """Measure in a process of its own on a database of its own; what `main` prints, as data."""
    return apart("bench.directory")


def main() -> int:
    """Sync twice, then search as people type, in this process and through a web server."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from bench import fleet
    from projects import directory, nesting

    call_command("migrate", verbosity=0)
    before = _memory()
    first = _sync()
    second = _sync()
    held = _memory() - before
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    begun = [text[:end] for text in TYPED for end in range(1, len(text) + 1)]
    people = [f"20000000-0000-4000-8000-{number:012}" for number in range(0, PEOPLE, 200)]
    groups = [f"10000000-0000-4000-8000-{number:012}" for number in range(0, GROUPS, 50)]
    fleet.people()
    found = {
        "people": PEOPLE,
        "groups": GROUPS,
        "first_sync_seconds": first,
        "second_sync_seconds": second,
        "sync_megabytes": held,
        "search": _times(directory.search, begun * 3),
        "groups_of": _times(directory.groups_of, people),
        "people_in": _times(lambda group: nesting.people_in([group]), groups),
        "page": _page(begun),
    }
    print(json.dumps(found))
    return 0


def _sync() -> float:
    from projects import directory_sync
    from provisioning import targets
    from provisioning.catalogue import LdapDirectory

    targets.use("corp", MadeUp())
    target = LdapDirectory.model_validate(
        {
            "kind": "ldap",
            "name": "corp",
            "url": "ldaps://dc1.corp.example",
            "bind_account": "none",
            "bind_password": {"file": "none"},
            "base": "DC=corp",
        }
    )
    started = time.perf_counter()
    if why := directory_sync.sync(target, resolve=str):
        sys.exit(why)
    return time.perf_counter() - started


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def _times(ask: Callable[[str], object], arguments: list[str]) -> dict[str, float]:
    """Milliseconds of each call."""
    took = []
    for argument in arguments:
        began = time.perf_counter()
        ask(argument)
        took.append(1000 * (time.perf_counter() - began))
    return summary(took)


def _page(begun: list[str]) -> dict[str, float]:
    """Milliseconds from a letter typed to the whole answer, as the form asks."""
    from bench import fleet, pages

    with pages.web() as address, httpx.Client(cookies=fleet.cookies("alice"), headers={"HX-Request": "true"}) as client:

        def ask(typed: str) -> None:
            answer = client.get(f"{address}/directory/", params={"q": typed})
            if answer.status_code != 200:
                sys.exit(f"the search was answered {answer.status_code}")

        # Fewer in all than one person may ask in a minute.
        for typed in begun[:5]:
            ask(typed)
        return _times(ask, begun)


if __name__ == "__main__":
    sys.exit(main())
