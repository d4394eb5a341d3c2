"""The versions of the platform's templates as rows: kept when they are first seen, read when one is merged against."""

import base64
import hashlib
import json
import zlib

import structlog

from projects.models import TemplateVersion
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


def kept(template: str, version: str) -> Rendered | None:
    """A version as it was when it was first seen; None when it never was."""
    row = TemplateVersion.objects.filter(template=template, version=version).first()
    if row is None:
        return None
    files = json.loads(zlib.decompress(bytes(row.files)))
    return Rendered(template, version, {path: base64.b64decode(content) for path, content in files.items()})


def newer(one: str, other: str) -> bool:
    """Is the first version the later one? Both are three numbers."""
    return numbers(one) > numbers(other)


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, in whose order versions are."""
    return tuple(int(part) for part in version.split("."))


def _packed(rendered: Rendered) -> bytes:
    files = {path: base64.b64encode(content).decode() for path, content in sorted(rendered.files.items())}
    return json.dumps(files, sort_keys=True).encode()
