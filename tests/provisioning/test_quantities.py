from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.quantities import amount, canonical, human, parse_quantity, served_quantity

UNITS = ("", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi")
numbers = st.builds(
    lambda whole, part, unit: f"{whole}{part}{unit}",
    st.integers(0, 10**12 - 1),
    st.one_of(st.just(""), st.integers(0, 999).map(lambda part: f".{part:03d}")),
    st.sampled_from(UNITS),
)


# The right side is what a kube-apiserver 1.37 gives back for the left one.
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1", "1"),
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1500m", "1500m"),
        ("0.5m", "1m"),
        ("0.001m", "1m"),
        ("1000", "1k"),
        ("1024", "1024"),
        ("1000k", "1M"),
        ("1.234k", "1234"),
        ("01", "1"),
        ("0", "0"),
        ("0Gi", "0"),
        ("0.5Ki", "512"),
        ("0.001Ki", "1024m"),
        ("1.001Ki", "1025024m"),
        ("1024Ki", "1Mi"),
        ("2048Mi", "2Gi"),
        ("0.5Gi", "512Mi"),
        ("1.5Ki", "1536"),
        ("16Gi", "16Gi"),
        ("1024Pi", "1Ei"),
        ("1000P", "1E"),
    ],
)
def test_canonical_is_what_the_api_server_gives_back(written: str, kept: str) -> None:
    assert canonical(written) == kept


@given(numbers)
def test_canonical_is_its_own_canonical_form_and_the_same_number(value: str) -> None:
    kept = canonical(value)
    if not kept.endswith(("E", "Ei")) and len(kept) <= 12:
        assert canonical(kept) == kept
        assert 0 <= parse_quantity(kept) - parse_quantity(value) < parse_quantity("1m")


@pytest.mark.parametrize("value", ["", "-1", "+1", "1e3", "1 Gi", "1gi", "Gi", "1.2345", "1" * 13, "١", "4\n", "NaN"])
def test_what_is_no_quantity(value: str) -> None:
    for read in (parse_quantity, canonical, amount):
        with pytest.raises(ValueError, match="is not a quantity"):
            read(value)


@pytest.mark.parametrize(("given_", "kept"), [(4, "4"), ("4", "4"), ("1024Mi", "1Gi"), ("0.5", "500m")])
def test_amount_reads_what_people_write(given_: object, kept: str) -> None:
    assert amount(given_) == kept


@pytest.mark.parametrize("value", [0, "0", "0Gi", -1, True, None, 1.5, ["4"]])
def test_amount_refuses_what_can_not_be_meant(value: object) -> None:
    with pytest.raises(ValueError, match=r"enough|Write a number"):
        amount(value)


@pytest.mark.parametrize(("value", "words"), [("16Gi", "16 GiB"), ("4", "4"), ("500m", "500m"), ("2T", "2 TB")])
def test_human(value: str, words: str) -> None:
    assert human(value) == words


@pytest.mark.parametrize(
    ("text", "number"),
    [("350m", "0.35"), ("1288490188800m", "1288490188.8"), ("16Gi", str(16 * 2**30)), ("1e3", "1000"),
     ("1E3", "1000"), ("0", "0"), ("12345678901234", "12345678901234"), ("1Ei", str(2**60)), ("5u", "0.000005")],
)  # fmt: skip
def test_reads_what_a_server_answers_with(text: str, number: str) -> None:
    assert served_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1Gi\n", "1ei", "--1", "1e", "١"])
def test_what_no_server_answers_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        served_quantity(text)
