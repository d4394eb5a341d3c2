"""From a template's folder to its files: Copier in a throw-away process, and every file looked at before it counts.

Copier runs without leave for a template's own code (no `--trust`: tasks, migrations and Jinja extensions are refused),
with links refused before it starts, since it would copy what they lead to.
"""

import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Lock

from provisioning.errors import PermanentError, TemporaryError
from provisioning.phrases import Phrase, phrase
from provisioning.project_templates import answers
from provisioning.project_templates.process import SECONDS, TookTooLong, run
from provisioning.rendered import Rendered

MAX_FILES = 500
MAX_BYTES = 5 * 1024 * 1024
MAX_PATH = 200
_VERSION = re.compile(r"\d{1,5}\.\d{1,5}\.\d{1,5}")
_PART = re.compile(r"[\w .+@(),=~\[\]-]+")


class Refused(PermanentError):
    """A template can't be used as it is. Says which and why; the platform team has to mend it."""

    def __init__(self, template: str, why: Phrase) -> None:
        super().__init__(
            phrase(
                "The template %(template)s can't be used: %(why)s. The platform team must mend it.",
                template=template,
                why=why,
            )
        )


@dataclass(frozen=True)
class Templates:
    """The platform's folder of templates, and the Python that Copier is installed for. Threads may share it."""

    folder: Path
    python: Path
    seconds: int = SECONDS
    _known: dict[tuple[str, str], Rendered] = field(default_factory=dict, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def version(self, template: str) -> str:
        """The version that a template says it has. Raises Refused."""
        try:
            said = (self.folder / template / "VERSION").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(template, phrase("it has no file VERSION")) from error
        if not _VERSION.fullmatch(said):
            raise Refused(template, phrase("its file VERSION holds no version such as 1.2.0"))
        return said

    def render(self, template: str) -> Rendered:
        """The files of a template's present version, rendered once per process. Raises Refused, TemporaryError."""
        key = template, self.version(template)
        with self._lock:
            if key not in self._known:
                self._known[key] = Rendered(*key, files=self._rendered(template))
            return self._known[key]

    def _rendered(self, template: str) -> dict[str, bytes]:
        source = self.folder / template
        for path in _everything(source):
            if stat.S_ISLNK(path.lstat().st_mode):
                raise Refused(template, phrase("%(path)s is a link", path=path.relative_to(source)))
        files = self._copied(template, answers.marks())
        others = self._copied(template, answers.other_marks())
        said_back = {
            answers.put_in_others(path.encode()).decode(): answers.put_in_others(content)
            for path, content in others.items()
        }
        if said_back != files:
            raise Refused(template, phrase("it puts an answer through a filter or a condition"))
        if answers.ANSWERS_FILE not in files:
            raise Refused(template, phrase("it has no %(file)s", file=answers.ANSWERS_FILE))
        return files

    def _copied(self, template: str, said: Mapping[str, str]) -> dict[str, bytes]:
        """What Copier makes of a template with these answers."""
        with tempfile.TemporaryDirectory(prefix="slipway-template-") as name:
            scratch, target = Path(name), Path(name) / "rendered"
            (scratch / "answers.json").write_text(json.dumps(said), encoding="utf-8")
            command = [str(self.python), "-I", "-m", "copier", "copy", "--quiet", "--defaults"]
            command += ["--data-file", "answers.json", str((self.folder / template).absolute()), str(target)]
            try:
                ended = run(command, folder=scratch, seconds=self.seconds)
            except TookTooLong as error:
                raise Refused(
                    template, phrase("rendering it takes more than %(seconds)s s", seconds=self.seconds)
                ) from error
            except FileNotFoundError as error:
                sentence = phrase(
                    "Copier is not installed for the worker, so no project can start from a template now. The platform "
                    "team must install it."
                )
                raise TemporaryError(sentence, delay=60) from error
            if ended.code != 0:
                complaint = ended.complaint or phrase("no word")
                raise Refused(
                    template, phrase("Copier ended with %(code)s: %(complaint)s", code=ended.code, complaint=complaint)
                )
            return _collected(template, target)


def _everything(folder: Path) -> Iterator[Path]:
    """All that is in a folder, links not followed."""
    for parent, folders, files in os.walk(folder, followlinks=False):
        yield from (Path(parent) / name for name in sorted([*folders, *files]))


def _collected(template: str, folder: Path) -> dict[str, bytes]:
    """The files of a folder by their path. Raises Refused for anything that has no place in a repository."""
    files: dict[str, bytes] = {}
    size = 0
    for path in _everything(folder):
        name, about = path.relative_to(folder).as_posix(), path.lstat()
        if stat.S_ISDIR(about.st_mode):
            continue
        if not stat.S_ISREG(about.st_mode):
            raise Refused(template, phrase("%(path)s is no plain file", path=name))
        check_path(template, name)
        size += about.st_size
        if size > MAX_BYTES:
            raise Refused(template, phrase("it makes more than %(size)s MiB", size=MAX_BYTES // 1024 // 1024))
        if len(files) == MAX_FILES:
            raise Refused(template, phrase("it makes more than %(most)s files", most=MAX_FILES))
        files[name] = path.read_bytes()
    return files


def check_path(template: str, name: str) -> None:
    """Raises Refused for a path that a repository must not get: outside of it, inside .git, or hard to read."""
    parts = PurePosixPath(name).parts
    bad = (
        name.startswith("/")
        or len(name) > MAX_PATH
        or any(part in (".", "..") or part.lower() == ".git" or not _PART.fullmatch(part) for part in parts)
    )
    if bad or not parts:
        raise Refused(template, phrase("it makes a file named %(name)s", name=repr(name[:80])))


def files_for(rendered: Rendered, said: Mapping[str, str]) -> dict[str, bytes]:
    """The files of one project: its answers put into a template's files, and into their paths. Raises Refused."""
    files = {}
    for path, content in rendered.files.items():
        name = answers.put_in(path.encode(), said).decode()
        check_path(rendered.template, name)
        files[name] = answers.put_in(content, said)
    return files
