"""A template's files change with its version only: projects are offered a new version, never another file."""

import hashlib

from provisioning.rendered import Rendered

DIGESTS = {
    "1.3.0": "d948c882669e91ce8a7687c5e982bca6d82935d38018fba65cc2426b23110a82",
    "1.4.0": "f70c90446f84c715892f0ff9da3e909c03fd896d56782ff8cec4f1a84e8d5b79",
}
"""Of ml-python, by version. A line that is here has been in use and doesn't change: a new version is a new line."""


def test_a_changed_template_has_a_new_version(rendered: Rendered):
    everything = hashlib.sha256()
    for path, content in sorted(rendered.files.items()):
        everything.update(f"{path} {len(content)}\n".encode() + content)
    digest = everything.hexdigest()

    assert DIGESTS.get(rendered.version) == digest, (
        f"The files of ml-python are not those of version {rendered.version}, and no project would be offered them. "
        f"Raise catalogue/templates/ml-python/VERSION, and add the new version here with the digest {digest}."
    )
