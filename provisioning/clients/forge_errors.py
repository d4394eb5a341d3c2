"""What several drivers raise in the same words. What one forge alone says no to stands in its driver.

`forge` is the name of the target, `doing` what it was asked to do (`forge_doings`).
"""

from provisioning.errors import AlreadyExists, PermanentError, TemporaryError
from provisioning.forge import cannot
from provisioning.phrases import phrase

_SOON = 0.2
"""Seconds. What was pushed or made a moment ago is there by then."""


def taken(forge: str, full_name: str) -> AlreadyExists:
    """A repository of that name is there."""
    return AlreadyExists(f"{full_name} already exists on {forge}.")


def already_proposed(full_name: str, branch: str) -> AlreadyExists:
    """An open pull request from that branch is there."""
    return AlreadyExists(f"{full_name} already has a pull request for {branch}.")


def no_template(forge: str, template: str) -> PermanentError:
    """There is no repository of that name that others may start from."""
    return PermanentError(
        phrase(
            "%(name)s has no template %(template)s. The platform team must mend the catalogue.",
            name=forge,
            template=template,
        )
    )


def no_ref(forge: str, doing: str, ref: str) -> TemporaryError:
    """There is no such branch, tag or commit yet."""
    return TemporaryError(
        phrase("%(name)s can't %(doing)s, since %(ref)s isn't there yet.", name=forge, doing=doing, ref=ref),
        delay=_SOON,
    )


def no_start(forge: str, doing: str, branch: str) -> TemporaryError:
    """The branch to start from isn't there yet."""
    return TemporaryError(
        phrase("%(name)s can't %(doing)s, since %(branch)s isn't there yet.", name=forge, doing=doing, branch=branch),
        delay=_SOON,
    )


def no_branch(forge: str, doing: str) -> TemporaryError:
    """The branch that `doing` names isn't there yet."""
    return TemporaryError(
        phrase("%(name)s can't %(doing)s, since the branch isn't there yet.", name=forge, doing=doing), delay=_SOON
    )


def no_pull_request(full_name: str, number: int) -> PermanentError:
    """There is no such pull request, though its comments were asked for."""
    return PermanentError(
        phrase("%(full_name)s has no pull request %(number)s to comment on.", full_name=full_name, number=number)
    )


def protects_no_files(forge: str) -> PermanentError:
    """A branch's rule can't name files there."""
    return cannot(
        forge, phrase("protect single files"), phrase("Write a CODEOWNERS file and ask for its owners' reviews.")
    )
