"""What runs a project's CI: two drivers behind a few questions, so that the Kinds that set them up agree.

tekton: the cluster's Trigger starts `slipway/ci.sh` (Kind `pipeline`). actions: `.github/workflows/ci.yaml`, which
GitHub, Gitea and Forgejo run by themselves, with the project's keys as secrets of the repository (Kind `actions`), or
whoever takes the hook's deliveries runs. `ci` of the cluster chooses; with `auto` it is Tekton where the cluster has
it, besides what the forge runs.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

from provisioning import ci_token, data_access, features, tracking
from provisioning.forge import LIKE_GITHUB
from provisioning.kind import Wish
from provisioning.phrases import Phrase, phrase

CI_SCRIPT = "slipway/ci.sh"
ACTIONS_FILE = ".github/workflows/ci.yaml"
Driver = Literal["listener", "actions"]


def by_tekton(wish: Wish) -> bool:
    """May the cluster's Tekton run CI, if it is there?"""
    return wish.cluster.ci != "actions"


def deaf_to_forge(wish: Wish) -> str | None:
    """Why no delivery of the project's forge can start a run here, as a sentence; None when it can."""
    if wish.forge.kind in LIKE_GITHUB:
        return None
    return phrase(
        "%(forge)s is a GitLab. What starts runs here understands GitHub, Gitea and Forgejo only, so a push starts "
        "none. The rest of the project works without it.",
        forge=wish.forge.title or wish.forge.name,
    )


def listener(wish: Wish) -> str:
    """Where the forge delivers what may start a run; "" when nothing listens there, or nothing that understands it."""
    return "" if deaf_to_forge(wish) else wish.cluster.ci_listener_url


def by_actions(wish: Wish) -> bool:
    """Does the forge itself run CI? Then the repository needs the project's keys as secrets."""
    return wish.forge.actions and wish.cluster.ci != "tekton"


def driver(wish: Wish, *, tekton: bool = True) -> Driver | None:
    """Who is told to run CI, and runs it: the listener, or the forge's own Actions; None when nobody does.

    tekton: is the cluster's Tekton there, as far as one knows? Where it may run CI, it hears of it by the listener.
    """
    if tekton and by_tekton(wish) and listener(wish):
        return "listener"
    if by_actions(wish):
        return "actions"
    return "listener" if listener(wish) and not by_tekton(wish) else None


def without_tekton(wish: Wish) -> Phrase | None:
    """Half a sentence: who runs the workflow file where no Tekton does; None when nobody is known to."""
    who = driver(wish, tekton=False)
    if who == "actions":
        return phrase("the Actions of %(forge)s run %(file)s", forge=wish.forge.name, file=ACTIONS_FILE)
    if who == "listener":
        return phrase("%(listener)s is told and runs %(file)s", listener=listener(wish), file=ACTIONS_FILE)
    return None


def bucket_key(wish: Wish) -> dict[str, str]:
    """Id and secret of the key that opens the bucket, by the names that AWS's tools read."""
    return {
        "AWS_ACCESS_KEY_ID": wish.names.store_user_at(wish.version("bucket")),
        "AWS_SECRET_ACCESS_KEY": wish.secret("bucket"),
    }


def bucket(wish: Wish) -> dict[str, str]:
    """All that opens the bucket: the key, and where it is."""
    store = wish.object_store
    return {
        **bucket_key(wish),
        "AWS_ENDPOINT_URL": store.url,
        "AWS_REGION": store.region,
        "AWS_DEFAULT_REGION": store.region,
        "BUCKET": wish.names.bucket,
    }


def report_token(wish: Wish) -> dict[str, str]:
    """Where CI sends its reports, and with which token, by the names of its variables."""
    version, portal = wish.version(ci_token.PURPOSE), urlsplit(wish.portal_url)
    return {
        "SLIPWAY_URL": f"{portal.scheme}://{portal.netloc}",
        "SLIPWAY_PROJECT": wish.names.slug,
        "SLIPWAY_TOKEN": ci_token.token(uid=wish.uid, version=version, secret=wish.secret(ci_token.PURPOSE)),
    }


def package_index(wish: Wish) -> dict[str, str]:
    """Where pip looks for packages, by the name of its variable; nothing where that is PyPI."""
    return {"PIP_INDEX_URL": wish.cluster.package_index} if wish.cluster.package_index else {}


def variables(wish: Wish) -> Mapping[str, str]:
    """What a run gets of the project's own."""
    return {
        **bucket(wish),
        **report_token(wish),
        **tracking.variables(wish),
        **features.variables(wish),
        **data_access.variables(wish),
    }
