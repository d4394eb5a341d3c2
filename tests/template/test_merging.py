"""A newer version into files that a team has changed: what is taken, what stays, and where a person must decide."""

from collections.abc import Mapping

import pytest

from provisioning.project_templates.merging import Merged, merge, three_way

LABELS = ("yours", "ml-python 1.0.0", "ml-python 1.1.0")
OLD = {"a.txt": b"one\ntwo\nthree\nfour\nfive\n"}


def merged(new: Mapping[str, bytes], theirs: Mapping[str, bytes], old: Mapping[str, bytes] = OLD) -> Merged:
    return merge(old, new, lambda path: (theirs[path], f"blob of {path}") if path in theirs else None, labels=LABELS)


def test_what_the_team_left_alone_becomes_the_new_one():
    assert merged({"a.txt": b"new\n"}, OLD) == Merged(files={"a.txt": b"new\n"})


def test_what_the_template_left_alone_is_not_even_read():
    assert merged(OLD, {}) == Merged()


def test_changes_in_different_places_come_together():
    new, theirs = b"ONE\ntwo\nthree\nfour\nfive\n", b"one\ntwo\nthree\nfour\nFIVE\n"

    assert merged({"a.txt": new}, {"a.txt": theirs}) == Merged(files={"a.txt": b"ONE\ntwo\nthree\nfour\nFIVE\n"})


def test_a_change_that_the_team_has_made_already_writes_nothing():
    assert merged({"a.txt": b"new\n"}, {"a.txt": b"new\n"}) == Merged()


def test_changes_of_the_same_line_stand_between_markers_and_the_file_is_named():
    found = merged({"a.txt": b"one\ntheirs\nthree\nfour\nfive\n"}, {"a.txt": b"one\nours\nthree\nfour\nfive\n"})

    assert found == Merged(
        files={
            "a.txt": b"one\n<<<<<<< yours\nours\n=======\ntheirs\n>>>>>>> ml-python 1.1.0\nthree\nfour\nfive\n",
        },
        conflicts=["a.txt"],
    )


def test_a_new_file_comes_and_one_of_the_same_name_is_no_victim():
    new = {**OLD, "new.txt": b"x\n"}

    assert merged(new, OLD) == Merged(files={"new.txt": b"x\n"})
    assert merged(new, {**OLD, "new.txt": b"y\n"}) == Merged(
        kept={"new.txt": "the template has one too now, and you have your own"}
    )


def test_what_the_team_removed_stays_removed():
    assert merged({"a.txt": b"new\n"}, {}) == Merged(kept={"a.txt": "you removed it"})


def test_what_the_template_removed_goes_unless_the_team_made_it_its_own():
    assert merged({}, OLD) == Merged(removed={"a.txt": "blob of a.txt"})
    assert merged({}, {"a.txt": b"ours\n"}) == Merged(
        kept={"a.txt": "the template has none any more, but you changed yours"}
    )


@pytest.mark.parametrize("theirs", [b"\xff\xfe", b"a\0b"])
def test_what_is_no_text_is_not_merged(theirs: bytes):
    assert merged({"a.txt": b"new\n"}, {"a.txt": theirs}) == Merged(
        kept={"a.txt": "both changed it, and it is no text"}
    )


@pytest.mark.parametrize("mine", [b"", b"no end of line", b"\n" * 2000, b"<<<<<<< yours\n=======\n>>>>>>> x\n"])
def test_any_text_of_the_team_comes_through(mine: bytes):
    text, _ = three_way(mine, b"one\n", b"two\n", labels=LABELS)

    assert mine.strip() in text
    assert b"two" in text
