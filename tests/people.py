"""The sample people and teams, as rows: what sign-in and `seed_dev` make of the directory.

    alice    ml-users, ml-forecasting     asks for projects
    bob      ml-users, ml-forecasting     her colleague
    charlie  ml-users                     in no team
    paula    ml-users, ml-platform        the platform team
"""

from django.contrib.auth.models import Group
from django.test import Client

from portal.models import ApiToken, User
from projects.models import Team

GROUPS = {
    "alice": ("ml-users", "ml-forecasting"),
    "bob": ("ml-users", "ml-forecasting"),
    "charlie": ("ml-users",),
    "paula": ("ml-users", "ml-platform"),
}
TEAMS = {
    "forecasting": {"name": "Forecasting", "ad_groups": ["ml-forecasting"], "budget": 100},
    "vision": {"name": "Vision", "ad_groups": ["ml-vision"], "budget": 60},
}


def person(name: str) -> User:
    """The account of alice, bob, charlie or paula; made when it is not there yet."""
    user, made = User.objects.get_or_create(
        username=f"{name}@corp.example",
        defaults={
            "first_name": name.capitalize(),
            "last_name": "Example",
            "email": f"{name}@corp.example",
            "tenant": "adfs",
            "object_id": f"oid-{name}",
            "is_staff": "ml-platform" in GROUPS[name],
        },
    )
    if made:
        user.set_unusable_password()
        user.save()
        user.groups.set(Group.objects.get_or_create(name=group)[0] for group in GROUPS[name])
    return user


def team(slug: str) -> Team:
    """The team forecasting or vision; made when it is not there yet."""
    return Team.objects.get_or_create(slug=slug, defaults=TEAMS[slug])[0]


def teams() -> dict[str, Team]:
    """Both teams by slug."""
    return {slug: team(slug) for slug in TEAMS}


def client(who: User | str, *, enforce_csrf_checks: bool = False) -> Client:
    """A browser in which this person is signed in."""
    browser = Client(enforce_csrf_checks=enforce_csrf_checks)
    user = person(who) if isinstance(who, str) else who
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def bearer(who: User | str, *scopes: str) -> Client:
    """A script with a token of this person; scopes: read and write unless given."""
    user = person(who) if isinstance(who, str) else who
    _, token = ApiToken.objects.create(user, name="script", scopes=list(scopes or ("read", "write")))
    return Client(headers={"Authorization": f"Bearer {token}"})
