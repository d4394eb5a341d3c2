"""The versions of the platform's templates as rows: kept when they are first seen, read when one is merged against."""

import base64
import hashlib
import json
import zlib
from fnmatch import fnmatchcase
from functools import lru_cache

import structlog

from projects.models import TemplateVersion
from provisioning.project_templates.answers import pattern
from provisioning.rendered import Rendered

log = structlog.get_logger(__name__)


def keep(rendered: Rendered) -> bool:
    """Keep a version as it is now. False when it was kept before and looked different: its number must be raised."""
    files = _packed(rendered)
    digest = hashlib.sha256(files).hexdigest()
    row, _ = TemplateVersion.objects.get_or_create(
        template=rendered.template,
        version=rendered.version,
        defaults={"files": zlib.compress(files), "digest": digest},
    )
    if row.digest != digest:
        log.warning("template_changed_without_a_version", template=rendered.template, version=rendered.version)
    return row.digest == digest


def is_kept(template: str, version: str) -> bool:
    """Was it ever seen?"""
    return TemplateVersion.objects.filter(template=template, version=version).exists()


def kept(template: str, version: str) -> Rendered | None:
    """A version as it was when it was first seen; None when it never was."""
    row = TemplateVersion.objects.filter(template=template, version=version).first()
    if row is None:
        return None
    return Rendered(template, version, _unpacked(row))


def is_as_made(path: str, content: bytes) -> bool:
    """Is a file, but for blanks and the project's own words in it, as some version of some template made it?"""
    mine = _lines(content)
    return any(
        len(mine) == len(made) and all(fnmatchcase(*pair) for pair in zip(mine, made, strict=True))
        for made in (_made(digest, path) for digest in TemplateVersion.objects.values_list("digest", flat=True))
        if made
    )


@lru_cache(maxsize=1000)
def _made(digest: str, path: str) -> tuple[str, ...]:
    """The lines of a version's file, as patterns; none where it has no such file. What a digest stands for stays."""
    row = TemplateVersion.objects.filter(digest=digest).first()
    content = _unpacked(row).get(path) if row is not None else None
    return tuple(pattern(line) for line in _lines(content)) if content is not None else ()


def _lines(content: bytes) -> list[str]:
    return [" ".join(line.split()) for line in content.decode("utf-8", "replace").splitlines() if line.strip()]


def newer(one: str, other: str) -> bool:
    """Is the first version the later one? Both are three numbers."""
    return numbers(one) > numbers(other)


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, in whose order versions are."""
    return tuple(int(part) for part in version.split("."))


def _packed(rendered: Rendered) -> bytes:
    files = {path: base64.b64encode(content).decode() for path, content in sorted(rendered.files.items())}
    return json.dumps(files, sort_keys=True).encode()


def _unpacked(row: TemplateVersion) -> dict[str, bytes]:
    files = json.loads(zlib.decompress(bytes(row.files)))
    return {path: base64.b64decode(content) for path, content in files.items()}
