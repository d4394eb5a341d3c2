"""Makes the portal's own admin user in the stack's MinIO: `.venv/bin/python -m devstack.prepare_store STACK`.

Its rights stand in store-policy.json: the admin actions that the portal's client calls, and buckets `ml-*`
without reading or writing what lies in them. MinIO knows no narrower right to make users and policies, so who
holds this key can still make itself a stronger user; the secret is worth as much as the store.
"""

import sys

import urllib3
from minio import MinioAdmin
from minio.credentials import StaticProvider

from devstack.stack import ROOT, open_stack

POLICY = ROOT / "devstack" / "store-policy.json"
POLICY_NAME = "slipway-portal"


def main(name: str) -> int:
    stack = open_stack(name)
    access_key, secret_key = stack.secret("store-1.access-key"), stack.secret("store-1.secret-key")
    root = StaticProvider(stack.secret("store-1.root-access-key"), stack.secret("store-1.root-secret-key"))
    admin = MinioAdmin(
        endpoint=f"127.0.0.1:{stack.ports()['minio']}",
        credentials=root,
        secure=False,
        http_client=urllib3.PoolManager(timeout=urllib3.Timeout(connect=2, read=10), retries=False),
    )
    admin.policy_add(POLICY_NAME, policy_file=str(POLICY))
    admin.user_add(access_key, secret_key)
    admin.policy_set(POLICY_NAME, user=access_key)
    print(f"user {access_key} with the policy {POLICY_NAME} is there")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
