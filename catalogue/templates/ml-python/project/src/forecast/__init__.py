"""A forecast of weekly demand: prepare the data, train a model, evaluate it. `dvc.yaml` has the order."""
