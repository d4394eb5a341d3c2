"""Makes the portal's own admin user in the stack's MinIO: `.venv/bin/python -m devstack.prepare_store STACK`.

Its rights stand in store-policy.json: the admin actions that the portal's client calls, and buckets `ml-*`
without reading or writing what lies in them. MinIO knows no narrower right to make users and policies, so who
holds this key can still make itself a stronger user; the secret is worth as much as the store.

And the bucket of the sample data store, which is none of Slipway's, with one file in it.
"""

import io
import sys

import urllib3
from minio import Minio, MinioAdmin
from minio.credentials import StaticProvider

from devstack.stack import ROOT, open_stack

POLICY = ROOT / "devstack" / "store-policy.json"
POLICY_NAME = "slipway-portal"
SHARED = "vision-shared"
SAMPLE = ("roads/winter/2026/about.txt", b"Pictures of the winter of 2026 would lie here.\n")


def main(name: str) -> int:
    stack = open_stack(name)
    access_key, secret_key = stack.secret("store-1.access-key"), stack.secret("store-1.secret-key")
    root = StaticProvider(stack.secret("store-1.root-access-key"), stack.secret("store-1.root-secret-key"))
    address = f"127.0.0.1:{stack.ports()['minio']}"
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=10), retries=False)
    admin = MinioAdmin(endpoint=address, credentials=root, secure=False, http_client=pool)
    admin.policy_add(POLICY_NAME, policy_file=str(POLICY))
    admin.user_add(access_key, secret_key)
    admin.policy_set(POLICY_NAME, user=access_key)
    _share(Minio(address, credentials=root, secure=False, http_client=pool))
    print(f"user {access_key} with the policy {POLICY_NAME} is there")
    return 0


def _share(store: Minio) -> None:
    """Make the sample data store, unless it is there."""
    if store.bucket_exists(SHARED):
        return
    store.make_bucket(SHARED)
    name, text = SAMPLE
    store.put_object(SHARED, name, io.BytesIO(text), len(text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
