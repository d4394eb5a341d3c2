"""Phrases: English to whoever reads them as text, and said anew by a page's translators."""

import copy
import json

import pytest

from provisioning.phrases import Phrase, cut, joined, numbered, phrase, phrase_of, word

SWEDISH = {
    "Reads %(store)s until %(day)s.": "Läser %(store)s till och med %(day)s.",
    "%(bucket)s: %(history)s": "%(bucket)s: %(history)s",
    "%(number)s day": "%(number)s dag",
    "%(number)s days": "%(number)s dagar",
    "no old versions": "inga gamla versioner",
}


def in_swedish(text: str) -> str:
    return SWEDISH.get(text, text)


def in_number(one: str, many: str, number: int) -> str:
    return in_swedish(one if number == 1 else many)


def test_it_is_an_english_text_to_everybody() -> None:
    said = phrase("Reads %(store)s until %(day)s.", store="roads", day="2027-06-30")
    assert said == "Reads roads until 2027-06-30."
    assert f"{said} Now." == "Reads roads until 2027-06-30. Now."


def test_it_is_told_in_another_language_with_the_phrases_in_its_gaps() -> None:
    said = phrase("%(bucket)s: %(history)s", bucket="b-lanes", history=phrase("no old versions"))
    assert said.told(one=in_swedish, many=in_number) == "b-lanes: inga gamla versioner"


def test_a_number_takes_its_form() -> None:
    days = [numbered("%(number)s day", "%(number)s days", number) for number in (0, 1, 30)]
    assert days == ["0 days", "1 day", "30 days"]
    assert [one.told(one=in_swedish, many=in_number) for one in days] == ["0 dagar", "1 dag", "30 dagar"]


def test_texts_are_joined_and_each_told_in_its_turn() -> None:
    row = joined(", ", [numbered("%(number)s day", "%(number)s days", 2), "b-lanes", phrase("no old versions")])
    assert row == "2 days, b-lanes, no old versions"
    assert row.told(one=in_swedish, many=in_number) == "2 dagar, b-lanes, inga gamla versioner"
    assert joined(", ", []) == ""


def test_a_text_is_cut_in_each_language() -> None:
    said = cut(joined(", ", [numbered("%(number)s day", "%(number)s days", 2), phrase("no old versions")]), most=12)
    assert said == "2 days, no o…"
    assert said.told(one=in_swedish, many=in_number) == "2 dagar, ing…"
    assert phrase_of(json.loads(json.dumps(said.as_json()))) == said
    longer = cut(phrase("no old versions"), most=14)
    assert (longer, longer.told(one=in_swedish, many=in_number)) == ("no old versions"[:14] + "…", "inga gamla ver…")
    whole = cut(phrase("Reads %(store)s until %(day)s.", store="a", day="1"), most=18)
    assert (whole, whole.told(one=in_swedish, many=in_number)) == ("Reads a until 1.", "Läser a till och m…")


def test_what_stands_in_a_gap_is_never_read_as_a_pattern() -> None:
    said = joined(" %(x)s% ", [phrase("Reads %(store)s until %(day)s.", store="100%(store)s", day="%d"), "%s"])
    assert said == "Reads 100%(store)s until %d. %(x)s% %s"
    assert said.told(one=in_swedish, many=in_number) == "Läser 100%(store)s till och med %d. %(x)s% %s"


@pytest.mark.parametrize(
    "made",
    [
        phrase("no old versions"),
        phrase("Reads %(store)s until %(day)s.", store="100%(store)s", day="%d"),
        phrase("%(bucket)s: %(history)s", bucket="b-lanes", history=numbered("%(number)s day", "%(number)s days", 30)),
        joined(", ", [numbered("%(number)s day", "%(number)s days", 1), "no old versions", word("no old versions")]),
    ],
)
def test_it_comes_back_whole_from_json_and_from_a_copy(made: Phrase) -> None:
    for again in (phrase_of(json.loads(json.dumps(made.as_json()))), copy.deepcopy(made)):
        assert again == made
        assert again.told(one=in_swedish, many=in_number) == made.told(one=in_swedish, many=in_number)


def test_a_word_is_found_where_it_is_declared() -> None:
    assert (word("no old versions"), word("100% sure")) == ("no old versions", "100% sure")
    assert word("no old versions").told(one=in_swedish, many=in_number) == "inga gamla versioner"
