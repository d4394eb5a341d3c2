"""A Redis database for each of several test processes, so that none of them sees another's rings and counters.

A plugin of pytest (`-p tests.own_redis`), because the portal's settings are read before any conftest.
"""

import os
import re

worker = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
if worker is not None and "SLIPWAY_REDIS_URL" in os.environ:
    server, _, _ = os.environ["SLIPWAY_REDIS_URL"].rpartition("/")
    # The first database is that of the stack's own portal.
    os.environ["SLIPWAY_REDIS_URL"] = f"{server}/{int(worker[1]) + 1}"
