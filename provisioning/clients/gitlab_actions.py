"""What GitLab answers about workflow files, which it doesn't run: its CI is another one than the Actions of the others.

The catalogue takes no `actions` for a GitLab, so nobody asks for any of this; who does hears why.
"""

from collections.abc import Mapping

from provisioning.clients.forge_driver import ForgeDriver
from provisioning.errors import PermanentError
from provisioning.forge import cannot
from provisioning.phrases import phrase


class WithoutActions(ForgeDriver):
    """There are no secrets and variables of workflows; whatever would make one, or start one, is PermanentError."""

    def ci_secrets(self, full_name: str) -> list[str]:  # noqa: ARG002
        """None."""
        return []

    def put_ci_secrets(self, full_name: str, values: Mapping[str, str]) -> None:  # noqa: ARG002
        """PermanentError."""
        raise self._no_actions()

    def delete_ci_secret(self, full_name: str, name: str) -> None:
        """Nothing happens."""

    def ci_variable(self, full_name: str, name: str) -> str | None:  # noqa: ARG002
        """None."""
        return None

    def create_ci_variable(self, full_name: str, name: str, value: str) -> None:  # noqa: ARG002
        """PermanentError."""
        raise self._no_actions()

    def update_ci_variable(self, full_name: str, name: str, value: str) -> None:  # noqa: ARG002
        """PermanentError."""
        raise self._no_actions()

    def delete_ci_variable(self, full_name: str, name: str) -> None:
        """Nothing happens."""

    def start_workflow(self, full_name: str, file: str, branch: str) -> None:  # noqa: ARG002
        """PermanentError."""
        raise self._no_actions()

    def _no_actions(self) -> PermanentError:
        return cannot(
            self.name, phrase("run workflow files"), phrase("Leave `actions` out of its entry in the catalogue.")
        )
