"""The mail that a person's notices become: a line for each, with its link; plain text and a small HTML part.

All of it is in the language of whoever gets it, whoever caused it.

Texts come from people. A header is one printable line whatever they hold, and the HTML part escapes them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from email.utils import parseaddr
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template import Context, Engine
from django.utils import translation
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from projects import addresses
from projects.installation import Installation
from projects.models import ChatPost, Notice
from projects.phrases import said

if TYPE_CHECKING:
    from projects.permissions import Person

_LONGEST_SUBJECT = 140


def message_id(notices: Sequence[int], *, public_url: str) -> str:
    """The Message-ID for these notices (their keys): whoever gets the mail twice can see that it is the same one."""
    digest = hashlib.sha256(",".join(str(pk) for pk in sorted(notices)).encode()).hexdigest()
    return f"<notices.{digest[:40]}@{host_of(public_url)}>"


def host_of(public_url: str) -> str:
    """The host's name in the portal's address."""
    return urlsplit(public_url).hostname or "localhost"


def usable_address(person: "Person") -> str:
    """Where to mail the person; "" when there is no such address."""
    try:
        validate_email(person.email)
    except ValidationError:
        return ""
    return person.email if parseaddr(person.email)[1] == person.email else ""


def language_of(person: "Person") -> str:
    """The language that the person chose on a page; that of the settings for who chose none, or one that is gone."""
    return person.language if person.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def compose(
    notices: Sequence[Notice], *, to: str, language: str, number: str, installation: Installation
) -> EmailMultiAlternatives:
    """The mail for these notices, of one person, oldest first. number: its Message-ID."""
    with translation.override(language):
        return _composed(notices, to=to, number=number, installation=installation)


def _composed(notices: Sequence[Notice], *, to: str, number: str, installation: Installation) -> EmailMultiAlternatives:
    base = installation.public_url
    lines = [{"text": said(one, "text"), "url": base + link if (link := link_of(one)) else ""} for one in notices]
    language = translation.get_language()
    values = {"lines": lines, "choose": base + addresses.NOTIFICATIONS, "language": language}
    host = host_of(base)
    mail = EmailMultiAlternatives(
        subject=subject_of(notices),
        body=_rendered("mail/notices.txt", values),
        from_email=installation.mail_from,
        to=[to],
        headers={
            "Message-ID": number,
            "Content-Language": language,
            "List-Id": f"Slipway <notices.{host}>",
            "List-Unsubscribe": f"<{base}{addresses.NOTIFICATIONS}>",
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        },
    )
    mail.attach_alternative(_rendered("mail/notices.html", values), "text/html")
    return mail


def subject_of(notices: Sequence[Notice]) -> str:
    """The sentence itself when it is the only one, else how many there are."""
    if len(notices) == 1:
        return Truncator(_one_line(f"Slipway: {said(notices[0], 'text')}")).chars(_LONGEST_SUBJECT)
    counted = ngettext("%(count)d notice", "%(count)d notices", len(notices)) % {"count": len(notices)}
    return gettext("Slipway: %(said)s") % {"said": counted}


def link_of(notice: Notice | ChatPost) -> str:
    """The path of the page that the notice is about; "" when there is none."""
    if notice.request_id:
        return addresses.of_request(notice.request_id)
    if notice.consent_id:
        return addresses.of_consent(notice.consent_id)
    if isinstance(notice, Notice) and notice.run_id:
        return addresses.of_run(notice.run_id)
    return addresses.of_project(notice.project.slug) if notice.project else ""


@cache
def _engine() -> Engine:
    # The portal's own engine loads every app's tags, and with them what draws the API: a worker has no use for that.
    return Engine(dirs=settings.TEMPLATES[0]["DIRS"], libraries={"i18n": "django.templatetags.i18n"})


def _rendered(name: str, values: Mapping[str, object]) -> str:
    return _engine().get_template(name).render(Context(dict(values)))


def _one_line(text: str) -> str:
    # Line ends of every kind, NUL, and marks that turn the direction of writing are not printable.
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
