"""The worker's process: `python -m portal.worker`.

Celery's command line would start the same, but loads what it needs to talk to a person in a terminal, some 8 MB that no
task ever uses.
"""

import os

from celery.utils.nodenames import host_format

from portal.celery import app


def main() -> int:
    """Work until a signal ends it; the exit code.

    WORKER_THREADS: how many tasks at once, 8 unless it is set. Raises SystemExit with a sentence for what is no number.
    """
    # Tasks wait for servers, so threads do; and one process has one client of each server.
    worker = app.Worker(
        pool="threads",
        concurrency=_threads(os.environ.get("WORKER_THREADS", "8")),
        loglevel="INFO",
        hostname=host_format("worker@%h"),
        without_mingle=True,
        without_gossip=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _threads(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise SystemExit(f"WORKER_THREADS is {text!r}: it has to be a number, such as 8.")
    return int(text)


if __name__ == "__main__":
    raise SystemExit(main())
