"""Stage 1: make or fetch the data, refuse it when it is wrong, split it by time."""

import sys

from forecast.data import faults, sample, split
from forecast.files import TEST, TRAIN, parameters, write_rows


def main() -> int:
    chosen = parameters("data")
    rows = sample(seed=chosen["seed"], weeks=chosen["weeks"])
    if wrong := faults(rows):
        print(f"{len(wrong)} faults in the data:", *wrong[:20], sep="\n  ", file=sys.stderr)
        return 1
    train, test = split(rows, test_weeks=chosen["test_weeks"])
    write_rows(TRAIN, train)
    write_rows(TEST, test)
    return 0


if __name__ == "__main__":
    sys.exit(main())
