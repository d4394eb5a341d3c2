"""`manage.py seed_dev`: the sample teams of the dev stack. Does nothing to teams that exist."""

from typing import Any

from django.core.management.base import BaseCommand

from projects.models import Team

TEAMS = [
    {"slug": "forecasting", "name": "Forecasting", "ad_groups": ["ml-forecasting"], "budget": 400},
    {"slug": "vision", "name": "Vision", "ad_groups": ["ml-vision"], "budget": 60},
]


class Command(BaseCommand):
    """Make the sample teams."""

    help = "Make the sample teams of the dev stack."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Make what is missing and say so."""
        for team in TEAMS:
            _, made = Team.objects.get_or_create(slug=team["slug"], defaults=team)
            if made:
                self.stdout.write(f"team {team['slug']} made")
