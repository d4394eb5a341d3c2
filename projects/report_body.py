"""What CI may send about a model: every field with its bounds, since whoever may push to a branch writes this.

Names have a plain alphabet, numbers are finite, texts are short, pictures are what they say they are. Whoever shows a
text escapes it all the same.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from projects.closed import Closed
from projects.picture_size import picture_size
from provisioning import run_pages
from provisioning.spec import check_text

MAX_BYTES = 2 * 1024 * 1024
METRICS = 200
PLOTS = 5
PLOT_BYTES = 200 * 1024
FAILED_TESTS = 200
EXAMPLES_BYTES = 10 * 1024
PLOT_PIXELS = 4096
"""Of width and of height. A few kB may say that they are a picture which takes a browser gigabytes to draw."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/@%+-]{0,99}", re.ASCII)
_BRANCH = re.compile(r"[^\s\x7f]+")
_RUN = re.compile(r"[!-~]+", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{32,128}(\.dir)?", re.ASCII)
_URL = re.compile(rf"https?://[^{run_pages.NEVER}]+", re.ASCII)

TestKind = Literal["invariance", "directional", "minimum", "regression", "slice", "data", "other"]
Direction = Literal["lower", "higher"]


def _plain_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("Start with a letter or digit; then letters, digits, spaces and _ . : / @ % + - too.")
    return value


Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_plain_name)]
Figure = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]


class MetricIn(Closed):
    """One number of a model. `threshold`: the worst value that may still be merged."""

    name: Name
    value: Figure
    split: Annotated[str, StringConstraints(min_length=1, max_length=40), AfterValidator(_plain_name)] = "test"
    direction: Direction = Field(description="Which way is better.")
    threshold: Figure | None = None


class FailedTestIn(Closed):
    """A behaviour that the model doesn't have, with an example of it."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(check_text)]
    kind: TestKind = "other"
    example: Annotated[str, StringConstraints(max_length=4000), AfterValidator(check_text)] = ""


class TestsIn(Closed):
    """How the tests of the model's behaviour went."""

    passed: Count
    failed: tuple[FailedTestIn, ...] = Field(default=(), max_length=FAILED_TESTS)
    regression_examples: Count = Field(default=0, description="How many kept examples were tried again.")

    @model_validator(mode="after")
    def _short_examples(self) -> "TestsIn":
        if sum(len(one.example.encode()) for one in self.failed) > EXAMPLES_BYTES:
            raise ValueError(f"All examples together have more than {EXAMPLES_BYTES // 1024} KiB. Shorten them.")
        return self


class PlotIn(Closed):
    """A picture, PNG or JPEG, as base64."""

    name: Name
    media_type: Literal["image/png", "image/jpeg"]
    content: str = Field(max_length=PLOT_BYTES * 4 // 3 + 8, description=f"At most {PLOT_BYTES // 1024} KiB.")

    @model_validator(mode="after")
    def _is_what_it_says(self) -> "PlotIn":
        try:
            found = self.decoded()
        except (binascii.Error, ValueError) as error:
            raise ValueError("The content is not base64.") from error
        if len(found) > PLOT_BYTES:
            raise ValueError(f"The picture has more than {PLOT_BYTES // 1024} KiB. Send a smaller one.")
        size = picture_size(found, media_type=self.media_type)
        if size is None:
            raise ValueError(f"The content is not {self.media_type}.")
        if max(size) > PLOT_PIXELS:
            raise ValueError(f"The picture is {size[0]} x {size[1]} pixels. Send at most {PLOT_PIXELS} each way.")
        return self

    def decoded(self) -> bytes:
        """The picture's bytes."""
        return base64.b64decode(self.content, validate=True)


class ReportIn(Closed):
    """What one run of a project's CI says about the model of a commit."""

    commit: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
    branch: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(check_text)]
    pull_request: Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)] | None = None
    run: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="Different for each run. The same commit and run again must say the same."
    )
    run_url: Annotated[str, StringConstraints(max_length=run_pages.LENGTH)] | None = None
    metrics: tuple[MetricIn, ...] = Field(default=(), max_length=METRICS)
    data_hash: str | None = Field(default=None, description="Of the data, as DVC writes it (md5) or SHA-256.")
    environment_hash: str | None = Field(default=None, description="SHA-256 of the locked packages.")
    tests: TestsIn | None = None
    reproduced: bool | None = Field(default=None, strict=True, description="A second run gave the same metrics.")
    plots: tuple[PlotIn, ...] = Field(default=(), max_length=PLOTS)

    @field_validator("branch")
    @classmethod
    def _is_a_branch(cls, value: str) -> str:
        if not _BRANCH.fullmatch(value):
            raise ValueError("A branch's name has no spaces.")
        return value

    @field_validator("run")
    @classmethod
    def _is_a_run(cls, value: str) -> str:
        if not _RUN.fullmatch(value):
            raise ValueError("Printable ASCII characters without spaces.")
        return value

    @field_validator("run_url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not _URL.fullmatch(value):
            raise ValueError("An address begins with http:// or https:// and has no spaces, quotes or brackets.")
        return value

    @field_validator("data_hash", "environment_hash")
    @classmethod
    def _is_a_hash(cls, value: str | None) -> str | None:
        if value is not None and not _HASH.fullmatch(value):
            raise ValueError("A hash has 32 to 128 hexadecimal digits, lower case; DVC adds .dir for folders.")
        return value

    @field_validator("metrics")
    @classmethod
    def _each_once(cls, value: tuple[MetricIn, ...]) -> tuple[MetricIn, ...]:
        _check_once([f"{one.name} ({one.split})" for one in value])
        return value

    @field_validator("plots")
    @classmethod
    def _each_name_once(cls, value: tuple[PlotIn, ...]) -> tuple[PlotIn, ...]:
        _check_once([one.name for one in value])
        return value

    def digest(self) -> str:
        """One value for all that is said."""
        said = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


def _check_once(names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} stands twice. Which one counts?")
