"""The same people in every test: alice owns, bob is on her team, charlie must see nothing, paula is platform team."""

from django.contrib.auth.models import Group
from django.test import Client

# Signing in starts the session's clock only where its module is loaded, which a portal does with its middleware.
import portal.sessions  # noqa: F401
from portal.models import ApiToken, User
from projects.models import Team

GROUPS = {
    "alice": ("ml-users", "ml-forecasting"),
    "bob": ("ml-users", "ml-forecasting"),
    "charlie": ("ml-users",),
    "paula": ("ml-users", "ml-platform"),
}


def person(name: str) -> User:
    """The account of one of the four, as a sign-in would leave it."""
    user, _ = User.objects.get_or_create(
        username=f"{name}@corp.example",
        defaults={
            "email": f"{name}@corp.example",
            "first_name": name.title(),
            "tenant": "corp",
            "object_id": f"oid-{name}",
            "is_staff": "ml-platform" in GROUPS[name],
        },
    )
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in GROUPS[name]])
    return user


def teams() -> dict[str, Team]:
    """The two sample teams by slug."""
    made = {}
    for slug, group, budget in (("forecasting", "ml-forecasting", 100), ("vision", "ml-vision", 60)):
        made[slug], _ = Team.objects.get_or_create(
            slug=slug, defaults={"name": slug.title(), "ad_groups": [group], "budget": budget}
        )
    return made


def team(slug: str) -> Team:
    """One of the two sample teams."""
    return teams()[slug]


def client(who: User | str, *, language: str = "", enforce_csrf_checks: bool = False) -> Client:
    """A browser in which this person is signed in. language: what was chosen in it."""
    browser = Client(enforce_csrf_checks=enforce_csrf_checks)
    user = person(who) if isinstance(who, str) else who
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    if language:
        browser.cookies["language"] = language
    return browser


def bearer(who: User | str, *scopes: str) -> Client:
    """A script with a token of this person; scopes: read and write unless given."""
    user = person(who) if isinstance(who, str) else who
    _, token = ApiToken.objects.create(user, name="script", scopes=list(scopes or ("read", "write")))
    return Client(headers={"Authorization": f"Bearer {token}"})
