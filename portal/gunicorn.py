"""gunicorn's settings: threads, because pages wait for Postgres and for nothing else."""

import gc
import os
from typing import Any

bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# Loaded once and then forked: less memory, and no first request that waits for imports.
preload_app = True
timeout = 30
graceful_timeout = 20
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
limit_request_line = 8_190
# The workers' heartbeat files; in memory, so that a slow disk does not look like a dead worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
accesslog = None


def when_ready(_server: Any) -> None:
    """Put aside what was loaded before workers are forked: it stays for good.

    The collector would walk over it again and again, a tenth of a second in the middle of a page, and writing into its
    headers would copy the memory that all workers share.
    """
    gc.collect()
    gc.freeze()
