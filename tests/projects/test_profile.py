"""profile.yaml as bytes: what is read, what is refused and where, and that nothing takes long."""

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.errors import Fault
from projects.profile import MAX_BYTES, Profile, ProfileError, describe, parse


def faults(text: bytes | str) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        parse(text.encode() if isinstance(text, str) else text)
    return caught.value.sentences()


def merge_key_bomb() -> str:
    """Each line doubles the one before; a reader that builds it needs seconds for 600 bytes."""
    lines = [f"a{number}: &a{number} {{<<: [*a{number - 1}, *a{number - 1}]}}" for number in range(1, 24)]
    return "\n".join(["a0: &a0 {k: v}", *lines])


def test_a_profile_is_plain_data_with_places() -> None:
    profile = parse(
        b"slug: demand\n"
        b"team: forecasting\n"
        b"contributors:\n"
        b"  - user: bob@corp.example\n"
        b"    role: editor\n"
        b"options:\n"
        b"  limits: {gpu: 1}\n"
    )
    assert profile.data == {
        "slug": "demand",
        "team": "forecasting",
        "contributors": [{"user": "bob@corp.example", "role": "editor"}],
        "options": {"limits": {"gpu": 1}},
    }
    assert profile.locate(("team",)) == (2, 1)
    assert profile.locate(("contributors", 0)) == (4, 5)
    assert profile.locate(("contributors", 0, "role")) == (5, 5)
    assert profile.locate(("options", "limits", "gpu")) == (7, 12)


def test_what_is_not_in_the_file_is_placed_at_what_is_around_it() -> None:
    profile = parse(b"# ours\n\nslug: demand\ncontributors:\n- user: bob\n")
    assert profile.locate(("contributors", 0, "until")) == (5, 3)
    assert profile.locate(("team",)) == (3, 1)
    assert profile.locate(()) == (3, 1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("on", "on"), ("no", "no"), ("yes", "yes"), ("true", True), ("False", False), ("~", None), ("", None),
        ("12", 12), ("-3", -3), ("0", 0), ("012", "012"), ("0x1f", "0x1f"), ("0o17", "0o17"), ("1_000", "1_000"),
        ("1.5", 1.5), ("1e3", 1000.0), ("1e400", "1e400"), (".inf", ".inf"), (".nan", ".nan"), (".", "."), ("+", "+"),
        ("2027-06-30", "2027-06-30"), ("12:30", "12:30"), ("99999999999999999999", "99999999999999999999"),
        ("'12'", "12"), ('"true"', "true"), ("16Gi", "16Gi"),
    ],
)  # fmt: skip
def test_only_decimal_numbers_true_false_and_null_are_more_than_text(written: str, meant: Any) -> None:
    value = parse(f"a: {written}\n".encode()).data["a"]
    assert (value, type(value)) == (meant, type(meant))


def test_names_of_fields_are_text_as_written() -> None:
    assert parse(b"1: a\non: b\ntrue: c\n~: d\n").data == {"1": "a", "on": "b", "true": "c", "~": "d"}


@pytest.mark.parametrize(
    ("text", "line", "column", "sentence"),
    [
        (b"", 1, 1, "The file is empty. Write at least slug and team, such as slug: lane-detection."),
        (b"# nothing\n", 1, 1, "The file is empty. Write at least slug and team, such as slug: lane-detection."),
        (b"- a\n", 1, 1, "The file is not made of fields. Write at least slug and team, such as slug: lane-detection."),
        (b"a: &x 1\n", 1, 4, "The anchor &x is not read. Remove it, and write repeated values out."),
        (b"a: 1\nb: !!str 2\n", 2, 4, "Tags (words that begin with !) are not read. Remove it; put text in quotes."),
        (b"a: !ruby/x:Y {}\n", 1, 4, "Tags (words that begin with !) are not read. Remove it; put text in quotes."),
        (b"<<: {a: 1}\n", 1, 1, "Merge keys (<<) are not read. Write the fields out."),
        (b"a: 1\nb:\n  c: 1\n  c: 2\n", 4, 3, "The field c stands here a second time (first in line 3). Keep one."),
        (b"a: 1\n---\nb: 1\n", 2, 1, "A second document begins here. Keep one project in one file; remove this part."),
        (b"%YAML 1.1\n---\na: yes\n", 1, 1, "Directives (lines that begin with %) are not read. Remove them."),
        (b"? [a, b]\n: c\n", 1, 3, "A list, mapping or alias can't name a field. Write a plain word."),
        (b"a:\n\tb: 1\n", 2, 1, "A tab can't indent. Use spaces."),
        (b"a: b: c\n", 1, 5, "A colon stands where none can. Check the indentation, or put the text in quotes."),
        (b'a: "b\n', 2, 1, "A quote is opened and never closed. Close it."),
        (b'a: "\\0"\n', 1, 4, "This text holds a control character (U+0000). Remove it."),
        (b'a: "\\uD800"\n', 1, 4, "This text holds a control character (U+D800). Remove it."),
        (b'a: "\\UFFFFFFFF"\n', 1, 1, "From here on this is not YAML. Check quotes, escapes and indentation."),
        (b"a: b\n\x07c: d\n", 2, 1, "There is a control character here (U+0007). Remove it."),
        ("a: 1".encode("utf-16"), 1, 1, "The file is not plain UTF-8 text (UTF-16, or binary). Save it as UTF-8."),
        (b"a: 1\0", 1, 1, "The file is not plain UTF-8 text (UTF-16, or binary). Save it as UTF-8."),
        ("a: 1\nb: ß\n".encode("latin-1"), 2, 4, "The byte 0xdf is not UTF-8. Save the file as UTF-8."),
        (b"[" * 21 + b"]" * 21, 1, 21, "This is nested more than 20 levels deep. A profile needs no more than 5."),
        (b"[" * 10_000, 1, 1, "This is nested more than 20 levels deep. A profile needs no more than 5."),
        (b"- x\n" * 2000, 2000, 3, "The file has more than 2000 values. A profile needs far fewer."),
        (b"#" * 10_000_000, 1, 1, f"The file has 10000000 bytes; at most {MAX_BYTES} (64 KiB) are read. Shorten it."),
    ],
)  # fmt: skip
def test_what_is_refused_says_where_and_what_to_do(text: bytes, line: int, column: int, sentence: str) -> None:
    assert faults(text) == [f"line {line}, column {column}: {sentence}"]


def test_several_faults_are_told_at_once() -> None:
    assert faults("a: &x 1\nb: *x\nc: 1\nc: !t 2\n") == [
        "line 1, column 4: The anchor &x is not read. Remove it, and write repeated values out.",
        "line 2, column 4: The alias *x is not read. Write the value out.",
        "line 4, column 1: The field c stands here a second time (first in line 3). Keep one.",
        "line 4, column 4: Tags (words that begin with !) are not read. Remove it; put text in quotes.",
    ]


def test_twenty_faults_are_enough() -> None:
    assert len(faults("\n".join(f"a{number}: &x 1" for number in range(100)))) == 20


def test_a_mark_of_utf_8_at_the_start_is_no_fault() -> None:
    assert parse("\ufeffslug: größe\r\nteam: a\r\n".encode()).data == {"slug": "größe", "team": "a"}


@pytest.mark.parametrize(
    "text",
    [
        merge_key_bomb().encode(),
        b"[" * 60_000,
        (b"[" * 60 + b"\n") * 1000,
        b"a: " + b"{" * 60_000,
        b"? [" * 20_000,
        b"".join(b"k%d: v\n" % number for number in range(6000)),
        b"!" * 60_000,
        b"a: |\n" + b"  x\n" * 15_000,
        b"&a " * 20_000,
        b"\n" * 60_000,
    ],
    ids=[
        "merge keys",
        "brackets",
        "brackets in lines",
        "braces",
        "keys",
        "fields",
        "tags",
        "block",
        "anchors",
        "empty",
    ],
)
def test_no_file_takes_long(text: bytes) -> None:
    def seconds() -> float:
        began = time.process_time()
        with contextlib.suppress(ProfileError):
            parse(text)
        return time.process_time() - began

    limit = 0.05 if text == merge_key_bomb().encode() else 0.5
    assert min(seconds() for _ in range(3)) < limit


@given(
    st.binary(max_size=400)
    | st.text(alphabet="ab:-[]{}&*!|>%?#'\"\\,.<0x \n\t\ufeff\x00é", max_size=400).map(str.encode)
)
def test_whatever_comes_it_parses_or_says_where_it_does_not(text: bytes) -> None:
    try:
        profile = parse(text)
    except ProfileError as error:
        places = [(one.line, one.column) for one in error.problems]
    else:
        places = [profile.locate(("nowhere",))]
    assert places
    assert all(line >= 1 and column >= 1 for line, column in places)


def test_faults_of_a_wish_are_told_with_their_lines_in_order() -> None:
    profile: Profile = parse(b"slug: demand\nteam: forecasting\noptions:\n  limits:\n    gpu: 4\nplan: tiny\n")
    found = [
        Fault(path=("plan",), code="unknown_plan", message="There is no plan tiny."),
        Fault(path=("options", "limits", "gpu"), code="beyond_plan", message="Plan small has no GPU."),
        Fault(path=(), code="refused", message="The budget is used up."),
    ]
    assert describe(found, profile) == [
        "The budget is used up.",
        "line 5, column 5: options.limits.gpu: Plan small has no GPU.",
        "line 6, column 1: plan: There is no plan tiny.",
    ]
