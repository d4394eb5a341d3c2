"""Comments stay within what forges take, whatever somebody wrote into what they are made of."""

import pytest

from projects.bot_answers import Answer
from projects.bot_commands import command
from projects.bot_comments import markdown
from projects.markdown import LIMIT, fitting
from projects.profile_comments import fault_comment


def test_what_fits_is_left_whole() -> None:
    assert fitting(["head"], ["", "one", "two"], ["", "foot"]) == "head\n\none\ntwo\n\nfoot"
    assert fitting([], [], []) == ""


def test_what_is_too_long_is_cut_between_lines_and_keeps_its_end() -> None:
    said = fitting(["head"], ["a" * 1000] * 100, ["foot"])
    assert len(said) <= LIMIT
    lines = said.splitlines()
    assert set(lines[1:-3]) == {"a" * 1000}
    assert lines[-3:] == ["", "The rest is left out here.", "foot"]


def test_no_line_is_a_command_of_the_forge() -> None:
    said = fitting(["/approve"], ["", "/merge now", "and/or", "- /close"], ["/label ~done"])
    assert said == "\\/approve\n\n\\/merge now\nand/or\n- /close\n\\/label ~done"


@pytest.mark.parametrize("title", ["/approve", " \u2028\n/approve", "\r/approve"])
def test_a_project_called_like_a_command_is_told_of_in_words(title: str) -> None:
    said = markdown(command("plan"), Answer(f"{title} has:", ("/merge",)))
    assert said.split("\n") == ["> /slipway plan", "", "\\/approve has:", "", "- /merge"]


def test_many_long_faults_of_a_file_fit() -> None:
    said = fault_comment(["*" * 600] * 60)
    assert len(said) <= LIMIT
    assert said.endswith("Merged like this, the file changes nothing.")


def test_an_answer_with_a_long_plan_fits_and_keeps_its_link() -> None:
    said = markdown(
        command(" plan"), Answer("It has:", ("*" * 500,) * 20, "https://slipway.example/"), more="row\n" * 30_000
    )
    assert len(said) <= LIMIT
    assert said.splitlines()[:4] == ["> /slipway plan", "", "It has:", ""]
    assert said.endswith("[Open in Slipway](https://slipway.example/)")
