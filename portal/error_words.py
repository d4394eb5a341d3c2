"""What an error page says besides the sentence of the error itself: a heading, and what to do now."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True)
class Words:
    """A heading and one or more things to do. `lead` stands in for an error that has no sentence."""

    title: Text
    lead: Text
    steps: tuple[Text, ...]


_BACK = _("Were you sending a form? Go back; what you typed is still there.")
_USUAL = Words(
    title=_("We can't take what was sent"),
    lead=_("It was not in the form we expect. Nothing was changed."),
    steps=(
        _("Were you sending a form? Go back; what you typed is still there. Load the page again, then send it."),
        _("If you followed a link, tell whoever gave it to you."),
    ),
)
_BY_STATUS = {
    403: Words(
        title=_("You can't do this"),
        lead=_("Your account does not have the right for it."),
        steps=(
            _("Ask an owner of the project, or the platform team, to do it or to give you the role."),
            _("Were you given it just now? Rights by a group count after the next sign-in."),
        ),
    ),
    405: Words(
        title=_("This address only takes a form"),
        lead=_("You came by a link, by loading the page again, or by signing in on the way. Nothing was done."),
        steps=(_("Go to the page that the form stands on, and send it from there."),),
    ),
    409: Words(
        title=_("This can't be done now"),
        lead=_("It is in a state that does not allow it. Nothing was changed."),
        steps=(_BACK, _("Load the page again to see how it is now, then decide anew.")),
    ),
    412: Words(
        title=_("Somebody was faster"),
        lead=_("It was changed in between, so your change was not made."),
        steps=(_BACK, _("Load the page again to see how it is now, then send yours.")),
    ),
    413: Words(
        title=_("That is too large"),
        lead=_("A form may hold 1 MB in all. Nothing was changed."),
        steps=(_BACK, _("Shorten it, then send it again. Data belongs in the bucket, not in a form.")),
    ),
    422: Words(
        title=_("What you ask for has faults"),
        lead=_("It can't be done as it stands. Nothing was changed."),
        steps=(_BACK, _("Mend what is named above, then send it again.")),
    ),
    429: Words(
        title=_("Too often"),
        lead=_("You asked very often just now, so this one was not looked at. Nothing was changed."),
        steps=(
            _("Wait a minute, then try again."),
            _("Is it a script? Have it wait as long as Retry-After says."),
        ),
    ),
}
_CSRF = Words(
    title=_("This form was not sent from here"),
    lead=_("It is too old, or did not come from this site, so nothing was done."),
    steps=(
        _("Go back, load the page again and send it once more. Copy long texts first."),
        _("Did a link or another site bring you here? Close it; somebody may have wanted you to send this."),
        _("If it happens with every form, let your browser keep cookies of this site."),
    ),
)


def words_for(status: int, *, code: str) -> Words:
    """The words of a status (below 500, and apart from 404, whose page is its own)."""
    return _CSRF if code == "csrf" else _BY_STATUS.get(status, _USUAL)
