"""What a look at a registered repository works with: the forge, what it says, and how an answer gets on a commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from projects.installation import Installation
from projects.models import RegisteredRepository
from projects.profile import FILE
from projects.verdicts import Said, shortened, standing
from provisioning.forge import ForgeClient

CONTEXT = "slipway/profile"


class Refused(Exception):
    """The file as it is asks for nothing. `again`: look at the same commit again, since the reason may go away."""

    def __init__(self, sentences: Sequence[str], *, line: int = 1, again: bool = False) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences
        self.line = line
        self.again = again


@dataclass(frozen=True)
class Desk:
    """A registered repository, the forge that has it, and what the forge says of it."""

    repository_id: int
    installation: Installation
    client: ForgeClient
    full_name: str
    branch: str
    html_url: str

    def row(self) -> RegisteredRepository:
        """Our row, as it is now."""
        return RegisteredRepository.objects.select_related("project__team").get(pk=self.repository_id)

    def say(self, sha: str, said: Said) -> None:
        """Write a commit status unless it stands there already."""
        present = self.client.statuses(self.full_name, sha).get(CONTEXT)
        # Compared as the forge keeps it, or each look would write it again.
        said = said._replace(description=shortened([said.description], limit=self.client.status_limit))
        if present is None or (present["state"], present["description"], present["target_url"]) != tuple(said):
            self.client.set_status(self.full_name, sha, CONTEXT, said.state, said.description, said.url)

    def say_standing(self, sha: str) -> Said | None:
        """Say how it is with what was asked; again when it moved meanwhile, so that the last word is the true one."""
        said = standing(self.row(), installation=self.installation)
        while said is not None:
            self.say(sha, said)
            before, said = said, standing(self.row(), installation=self.installation)
            if said == before:
                break
        return said

    def say_refused(self, sha: str, refused: Refused) -> None:
        """Write why nothing was asked for, with the address of the line."""
        url = self.client.page_of_line(self.html_url, sha, FILE, refused.line)
        self.say(sha, Said("failure", shortened(refused.sentences), url))
