"""The part of the forge in memory that its Actions have: secrets, variables, workflows that are started."""

from collections.abc import Mapping

from provisioning.errors import Reason, TemporaryError
from tests.fakes.forge_state import StoredRepository
from tests.fakes.recording import Recorder


class FakeActions(Recorder):
    """The calls about Actions. `repositories` holds what is there by full name."""

    name: str
    repositories: dict[str, StoredRepository]

    def ci_secrets(self, full_name: str) -> list[str]:
        self._enter("ci_secrets", full_name)
        return sorted(self.repositories[full_name].ci_secrets) if full_name in self.repositories else []

    def put_ci_secrets(self, full_name: str, values: Mapping[str, str]) -> None:
        self._enter("put_ci_secrets", full_name, *values)
        self._kept(full_name, "write a CI secret").ci_secrets.update(values)

    def delete_ci_secret(self, full_name: str, name: str) -> None:
        self._enter("delete_ci_secret", full_name, name)
        if full_name in self.repositories:
            self.repositories[full_name].ci_secrets.pop(name, None)

    def ci_variable(self, full_name: str, name: str) -> str | None:
        self._enter("ci_variable", full_name, name)
        kept = self.repositories.get(full_name)
        return kept.ci_variables.get(name) if kept else None

    def create_ci_variable(self, full_name: str, name: str, value: str) -> None:
        self._enter("create_ci_variable", full_name, name)
        kept = self._kept(full_name, "make a CI variable")
        if name in kept.ci_variables:
            raise TemporaryError(f"{self.name} can't make the CI variable {name} just now: it exists", delay=0.2)
        kept.ci_variables[name] = value

    def update_ci_variable(self, full_name: str, name: str, value: str) -> None:
        self._enter("update_ci_variable", full_name, name)
        kept = self._kept(full_name, "change a CI variable")
        if name not in kept.ci_variables:
            raise TemporaryError(f"{self.name} can't change the CI variable {name}: it isn't there")
        kept.ci_variables[name] = value

    def delete_ci_variable(self, full_name: str, name: str) -> None:
        self._enter("delete_ci_variable", full_name, name)
        if full_name in self.repositories:
            self.repositories[full_name].ci_variables.pop(name, None)

    def start_workflow(self, full_name: str, file: str, branch: str) -> None:
        self._enter("start_workflow", full_name, file, branch)
        self._kept(full_name, "start a workflow")

    def _kept(self, full_name: str, doing: str) -> StoredRepository:
        if full_name not in self.repositories:
            message = f"{self.name} can't {doing}: {full_name} isn't there"
            raise TemporaryError(message, reason=Reason.DEPENDENCY_NOT_READY)
        return self.repositories[full_name]
