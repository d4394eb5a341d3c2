"""Sends signed deliveries at a steady pace: `python -m bench.sender`, from JSON on stdin to JSON on stdout.

In goes the plan: address, per_second, seconds, tag, and hooks (path, secret, repository, commit), which take turns.
Out comes, for each delivery, when it was due, how late it was sent, how long after it was due the answer was there
(seconds), and the answer's status; and how long /healthz took meanwhile, which asks nobody: what the machine takes.
"""

import hashlib
import hmac
import http.client
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

CONNECTIONS = 16
"""Kept alive. As many as the portal has threads: more would only wait in line there."""


def main() -> int:
    plan = json.load(sys.stdin)
    host = urlsplit(plan["address"]).netloc
    began = time.perf_counter() + 0.2
    lanes = range(CONNECTIONS)
    with ThreadPoolExecutor(CONNECTIONS + 1) as pool:
        beside = pool.submit(_healthz, host, began=began, seconds=plan["seconds"])
        found = list(pool.map(lambda lane: _lane(lane, plan=plan, host=host, began=began), lanes))
    json.dump({"deliveries": [one for lane in found for one in lane], "healthz": beside.result()}, sys.stdout)
    return 0


def _healthz(host: str, *, began: float, seconds: int) -> list[float]:
    """Ten times a second, over one connection: how long after it was due the answer was there."""
    connection = http.client.HTTPConnection(host, timeout=30)
    found = []
    for number in range(10 * seconds):
        due = began + number / 10
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.request("GET", "/healthz")
        connection.getresponse().read()
        found.append(time.perf_counter() - due)
    connection.close()
    return found


def _lane(lane: int, *, plan: dict[str, Any], host: str, began: float) -> list[dict[str, Any]]:
    """Each CONNECTIONS-th delivery, over one connection."""
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.connect()
    found = []
    for number in range(lane, plan["per_second"] * plan["seconds"], CONNECTIONS):
        due = number / plan["per_second"]
        hook = plan["hooks"][number % len(plan["hooks"])]
        body = _body(hook)
        headers = {
            "Content-Type": "application/json",
            "X-Gitea-Event": "push",
            "X-Gitea-Delivery": f"{plan['tag']}-{number}",
            "X-Gitea-Signature": hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest(),
        }
        time.sleep(max(0.0, began + due - time.perf_counter()))
        sent = time.perf_counter()
        connection.request("POST", hook["path"], body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        end = time.perf_counter()
        found.append({"due": due, "late": sent - began - due, "seconds": end - began - due, "status": answer.status})
    connection.close()
    return found


def _body(hook: dict[str, str]) -> bytes:
    """A push as Gitea tells it, as long as such ones are."""
    repository = {"full_name": hook["repository"], "default_branch": "main"}
    change = {"id": hook["commit"], "message": "Change the model\n", "added": [], "modified": ["train.py"] * 20}
    payload = {
        "ref": "refs/heads/main",
        "before": "0" * 39 + "1",
        "after": hook["commit"],
        "commits": [change] * 5,
        "repository": repository,
        "sender": {"login": "alice"},
    }
    return json.dumps(payload).encode()


if __name__ == "__main__":
    sys.exit(main())
