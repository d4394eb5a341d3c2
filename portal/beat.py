"""The process that rings for the rounds: `python -m portal.beat FILE`. Like the worker, without Celery's command line.

FILE says what rang last. The schedule is in the code, so the file may be lost.
"""

import sys

from portal.celery import app


def main(arguments: list[str]) -> None:
    """Ring until a signal ends it. Raises SystemExit with a sentence unless there is one argument."""
    if len(arguments) != 1:
        raise SystemExit("usage: python -m portal.beat FILE")
    app.Beat(loglevel="INFO", schedule=arguments[0]).run()


if __name__ == "__main__":
    main(sys.argv[1:])
