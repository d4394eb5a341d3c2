"""Kubernetes quantities ("16Gi", "500m") as exact numbers: for limits, comparisons and words on pages.

Source of the suffixes: the Kubernetes API's resource.Quantity. Exponents ("1e3") are refused: nobody means them.
"""

import math
import re
from decimal import Decimal

from provisioning.phrases import phrase

_SUFFIXES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
}
_BINARY: tuple[str, ...] = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL: tuple[str, ...] = ("", "k", "M", "G", "T", "P", "E")
_SERVED_SUFFIXES = _SUFFIXES | {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "E": Decimal(10**18), "Ei": Decimal(2**60)}
_SERVED = re.compile(
    r"^([+-]?\d{1,40}(?:\.\d{1,20})?)(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|([eE][+-]?\d{1,2}))?\Z", re.ASCII
)
_FORM = re.compile(r"^(\d{1,12}(?:\.\d{1,3})?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?\Z", re.ASCII)


def parse_quantity(value: str) -> Decimal:
    """The number a quantity stands for. Raises ValueError on signs, exponents, unknown suffixes and over 12 digits."""
    match = _FORM.fullmatch(value)
    if match is None:
        raise ValueError(
            phrase("%(value)r is not a quantity. Write a number with a unit, such as 4, 500m or 16Gi.", value=value)
        )
    return Decimal(match[1]) * _SUFFIXES[match[2] or ""]


def served_quantity(value: str) -> Decimal:
    """The number of a quantity in any form that an API server answers with. Raises ValueError on anything else."""
    match = _SERVED.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is not a quantity.")
    return Decimal(f"{match[1]}{match[3] or ''}") * _SERVED_SUFFIXES[match[2] or ""]


def human(value: str) -> str:
    """The quantity as pages say it: "16Gi" is "16 GiB", "4" stays "4"."""
    match = _FORM.fullmatch(value)
    if match is None or match[2] is None or match[2] == "m":
        return value
    return f"{match[1]} {match[2]}B"


def canonical(value: str) -> str:
    """The quantity as an API server writes it back: "1000m" is "1", "2048Mi" is "2Gi", "0.5Gi" is "512Mi".

    What is finer than a thousandth is rounded up. We declare only this form, so that a second look finds the very text
    and writes nothing. Raises ValueError as `parse_quantity` does.
    """
    exact = parse_quantity(value)
    if value.endswith("i") and exact >= 1024 and exact == exact.to_integral_value():
        number, steps, base, suffix = int(exact), _BINARY, 1024, ""
    else:
        number, steps, base, suffix = math.ceil(exact * 1000), _DECIMAL, 1000, "m"
    if number == 0:
        return "0"
    for larger in steps:
        if number % base:
            break
        number, suffix = number // base, larger
    return f"{number}{suffix}"


def amount(value: object) -> str:
    """A quantity as people write it, in canonical form: 4 and "4" are "4", "1024Mi" is "1Gi".

    Raises ValueError on anything that is no quantity above zero.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise ValueError(phrase("Write a number with a unit, such as 4, 500m or 16Gi."))
    if parse_quantity(text) == 0:
        raise ValueError(phrase("Zero is not enough to work with."))
    return canonical(text)
