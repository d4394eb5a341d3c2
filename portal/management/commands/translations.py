"""`manage.py translations`: compile the texts of other languages; with --update, first look for new ones."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from portal import translations


class Command(BaseCommand):
    """Compile locale/, and on request bring it to what code and templates hold."""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--update."""
        parser.add_argument("--update", action="store_true", help="add new texts, remove those that are gone")

    def handle(self, *_: Any, **options: Any) -> None:
        """Do it and say what is left to translate."""
        if options["update"]:
            for language in translations.languages():
                left = translations.update(language)
                self.stdout.write(f"{language}: {len(left)} texts without a translation")
                for message in left:
                    self.stdout.write(f"  {message.id!r}")
        for language in translations.compile_all():
            self.stdout.write(f"{language} compiled")
