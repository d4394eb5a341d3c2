"""Gitea's REST API: where it is, how our token goes along, and the refusals that it words in its own way.

Forgejo answers alike.
"""

import httpx

from provisioning.clients import forge_errors as errors
from provisioning.clients.forge_api import ForgeApi, said
from provisioning.errors import ProvisioningError, Reason, TemporaryError
from provisioning.phrases import phrase


class GiteaApi(ForgeApi):
    """One Gitea with our token."""

    def __init__(self, *, name: str, url: str, token: str) -> None:
        super().__init__(
            name=name,
            base=f"{url.rstrip('/')}/api/v1",
            headers={"Authorization": f"token {token}"},
            page_size="limit",
        )

    def error(self, response: httpx.Response, doing: str) -> ProvisioningError:
        """A refusal as one of our errors: what isn't there yet has several statuses here."""
        message = said(response)
        if response.status_code < 500 and response.status_code not in (401, 429):
            if "branch does not exist" in message:
                return errors.no_branch(self.name, doing)
            if "user does not exist" in message:
                return TemporaryError(
                    phrase("%(name)s can't %(doing)s: %(message)s", name=self.name, doing=doing, message=message),
                    reason=Reason.DEPENDENCY_NOT_READY,
                )
        return super().error(response, doing)
