"""Puts into the cluster what Slipway needs before its first project: `python -m devstack.prepare_cluster STACK`.

The manifests of deploy/cluster/ are what a platform team applies to a real cluster; the Tekton definitions
beside this file stand in for a Tekton installation. Last, a fresh token for the portal's service account.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from devstack import builds
from devstack.endpoints import from_environment
from devstack.stack import ROOT, Stack, open_stack

MANIFESTS = ROOT / "deploy" / "cluster"
TEKTON = ROOT / "devstack" / "tekton-crds.yaml"
VALID_FOR = "720h"  # asked for anew at each start


def kubectl(stack: Stack, *arguments: str) -> str:
    """Run kubectl as the cluster's admin and return its output. Raises CalledProcessError."""
    configured = from_environment(os.environ).kubeconfig
    program = str(builds.program("kubectl")) if configured is None else shutil.which("kubectl") or "kubectl"
    command = [program, "--kubeconfig", str(configured or stack.kubeconfig), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def apply(stack: Stack, path: Path) -> None:
    """Server-side apply of a file or of a folder's files in the order of their names."""
    print(kubectl(stack, "apply", "--server-side", "--force-conflicts", "--field-manager=devstack", "-f", str(path)))


def main(name: str) -> int:
    stack = open_stack(name)
    apply(stack, TEKTON)
    if not MANIFESTS.exists():
        print("deploy/cluster/ is not there: no namespace, no service account and no token for the portal")
        return 1
    apply(stack, MANIFESTS)
    kubectl(stack, "wait", "--for=condition=Established", "--timeout=20s", "-f", str(TEKTON))
    token = kubectl(stack, "create", "token", "portal", "--namespace", "slipway-system", f"--duration={VALID_FOR}")
    stack.write_secret("cluster-north.token", token.strip())
    print("token for slipway-system/portal written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
