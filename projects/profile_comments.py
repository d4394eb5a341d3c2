"""What we write under a pull request that touches profile.yaml. Text of people is made harmless for Markdown first."""

from collections.abc import Sequence

from projects.deciders import deciders
from projects.markdown import fitting, plain
from projects.preview import KindPlan, Preview
from provisioning.plan import Action, Change

MARKER = "slipway-plan"
FOLLOWS = "This comment follows the pull request."
"""Below each of these where it stands as a comment of its own."""
_ROWS = 60
_DECISIONS = {"approve": "Approved at once", "ask": "Somebody of {who} decides", "refuse": "Refused"}


def plan_comment(preview: Preview, *, notes: Sequence[str] = ()) -> str:
    """The plan as a table: one row for each Kind, then each field that would change."""
    lines = ["### profile.yaml: what merging this does", ""]
    if preview.verdict is not None:
        decision = _DECISIONS[preview.verdict.decision].format(who=plain(deciders(preview.verdict.approvers)))
        lines.append(f"{decision} ({plain(preview.verdict.rule)}): {plain(preview.verdict.because)}")
        lines.append(f"It takes {preview.units} units; {preview.free_units} are free for it in the team's budget.")
    lines += [plain(note) for note in notes]
    rows = ["", "| resource | does | with |", "|---|---|---|", *(_row(one) for one in preview.kinds)]
    changed = [change for change in preview.changes if change.action is not Action.KEEP and change.differences]
    if changed:
        fields = [row for change in changed for row in _differences(change)]
        rows += ["", "| object | field | now | then |", "|---|---|---|---|", *fields[:_ROWS]]
        if len(fields) > _ROWS:
            rows += ["", f"… and {len(fields) - _ROWS} more."]
    return fitting(lines, rows, ["", "Nothing happens before the merge."])


def fault_comment(sentences: Sequence[str]) -> str:
    """What is wrong with the file, one line each."""
    return fitting(
        ["### profile.yaml: this can't be merged as it is", ""],
        [f"- {plain(sentence, limit=600)}" for sentence in sentences[:_ROWS]],
        ["", "Correct the file and push again. Merged like this, the file changes nothing."],
    )


def removal_comment(slug: str) -> str:
    """The file goes away."""
    return (
        "### profile.yaml: this removes the file\n\n"
        f"The project {plain(slug)} stays as it is: removing the file never retires a project. "
        "Retire it on its page when it is no longer needed."
    )


def _row(plan: KindPlan) -> str:
    count = sum(change.action is not Action.KEEP for change in plan.changes)
    does = "keep" if plan.action is Action.KEEP else f"{plan.action.value} ({count})"
    return f"| {plain(plan.kind.title)} | {does} | {plain(plan.summary)} |"


def _differences(change: Change) -> list[str]:
    rows = []
    for one in change.differences:
        cells = (plain(change.key), plain(one.path), plain(one.observed, limit=120), plain(one.desired, limit=120))
        rows.append(f"| {' | '.join(cells)} |")
    return rows
