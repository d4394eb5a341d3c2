"""What counts as a command."""

import pytest

from projects.bot_commands import LONGEST, Command, asked


@pytest.mark.parametrize(
    ("body", "command"),
    [
        ("/slipway", Command("help")),
        ("/slipway status", Command("status")),
        ("/slipway  Compare   main ", Command("compare", "main")),
        ("Please look.\r\n\r\n/slipway retry\r\nThanks", Command("retry")),
        ("/slipway why\n/slipway retry", Command("why")),
        ("/slipway deploy now", Command("", "deploy now")),
        ("/slipway\tstatus", Command("status")),
        ("/slipway " + "x" * 5000, Command("", "x" * LONGEST)),
        ("/slipway sta\0tus a\ud800b", Command("status", "ab")),
        ("", None),
        ("Ask with /slipway status", None),
        (" /slipway status", None),
        ("> /slipway retrain", None),
        ("```\n/slipway retrain\n```", None),
        ("```\n/slipway retrain\n```\n/slipway help", Command("help")),
        ("/slipways status", None),
        ("/SLIPWAY status", None),
    ],
)
def test_a_line_of_its_own_is_a_command(body: str, command: Command | None) -> None:
    assert asked(body) == command


def test_a_command_is_told_as_it_was_asked() -> None:
    assert [one.text for one in (Command("help"), Command("compare", "main"), Command("", "deploy now"))] == [
        "/slipway help",
        "/slipway compare main",
        "/slipway deploy now",
    ]
