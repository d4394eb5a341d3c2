"""`manage.py dev_token alice@corp.example`: an API token for a sample person of the dev stack, printed once.

Works only where the dev stack's list of people is; the account is made as a sign-in would make it.
"""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts import Person, account_of, canonical_object_id
from portal.models import ApiToken
from projects import account_groups, permissions


class Command(BaseCommand):
    """Print a token."""

    help = "Print an API token for a sample person of the dev stack."

    def add_arguments(self, parser: CommandParser) -> None:
        """The account's name."""
        parser.add_argument("upn")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Make the account if needed and print the token. Raises CommandError outside the dev stack."""
        folder = os.environ.get("SLIPWAY_STACK_DIR", "")
        people = Path(folder) / "people.json"
        if not folder or not people.is_file():
            raise CommandError("This works in the dev stack only. Make tokens on the page “API tokens”.")
        listed = {one["upn"]: one for one in json.loads(people.read_text())["people"]}
        found = listed.get(options["upn"])
        if found is None:
            raise CommandError(f"There is no {options['upn']} among the people of the dev stack.")
        tenant = settings.CONFIG.adfs_tenant_id or "adfs"
        user, made = account_of(Person(tenant=tenant, object_id=canonical_object_id(found["oid"]), upn=found["upn"]))
        if made or not user.first_name:
            user.first_name, user.last_name = found["given_name"], found["family_name"]
            user.email = found.get("email", found["upn"])
            user.is_staff = settings.CONFIG.adfs_platform_admin_group in found["groups"]
            user.save()
            user.groups.set([Group.objects.get_or_create(name=group)[0] for group in found["groups"]])
        # A team may know its groups by object id already, which only the directory's rows tell.
        known = account_groups.groups_now(user.object_id)
        if known is not None:
            account_groups.write(cast("permissions.Person", user), known)
        _, token = ApiToken.objects.create(user, name="dev stack", scopes=["read", "write"], expiry=timedelta(days=7))
        self.stdout.write(token)
