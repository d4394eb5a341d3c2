"""How GitHub takes the secrets of Actions: sealed with a key of the repository, so that only GitHub can open them.

The seal is libsodium's; PyNaCl makes it, and nothing else here needs PyNaCl. In a worker, which has minio's `cffi`
already, the import costs 0.9 MB; it comes with this driver only.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from urllib.parse import quote

from nacl.public import PublicKey, SealedBox

from provisioning.clients import forge_doings as doings
from provisioning.clients.forge_api import ForgeApi, Json
from provisioning.clients.forge_driver import repo
from provisioning.phrases import phrase


def put(api: ForgeApi, full_name: str, values: Mapping[str, str]) -> None:
    """Write secrets by name, with one key for all, one after another: GitHub asks not to be written to in parallel.

    TemporaryError when the repository isn't there.
    """
    path = f"{repo(full_name)}/actions/secrets"
    key = api.ask(
        phrase("give a key for the CI secrets of %(full_name)s", full_name=full_name), "GET", f"{path}/public-key"
    )
    for name, value in values.items():
        doing = doings.write_ci_secret(full_name, name)
        api.ask(doing, "PUT", f"{path}/{quote(name, safe='')}", body=_sealed(value, key))


def _sealed(value: str, key: Json) -> Json:
    box = SealedBox(PublicKey(b64decode(key["key"])))
    return {"encrypted_value": b64encode(box.encrypt(value.encode())).decode(), "key_id": key["key_id"]}
