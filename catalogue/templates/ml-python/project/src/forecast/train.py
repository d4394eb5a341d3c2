"""Stage 2: train the model and keep it."""

import joblib

from forecast.files import MODEL, TRAIN, parameters, read_rows
from forecast.model import Forecast


def main() -> None:
    model = Forecast(**parameters("model")).fit(read_rows(TRAIN))
    MODEL.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, MODEL)


if __name__ == "__main__":
    main()
