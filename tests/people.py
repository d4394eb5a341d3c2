"""The same people in every test: alice owns, bob is on her team, charlie must see nothing, paula is of the platform team."""

from django.contrib.auth.models import Group

from portal.models import User
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
