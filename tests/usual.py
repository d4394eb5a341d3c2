"""The Kinds that every project has."""

from collections.abc import Mapping

from provisioning.kind import Kind, kinds


def usual_kinds() -> Mapping[str, Kind]:
    """Those that no option asks for, by name."""
    return {name: kind for name, kind in kinds().items() if kind.wanted is None}
