"""The base of what somebody may send, by whichever door: unknown fields are refused.

Apart from `projects.payload`, which reads it from requests: the worker checks bodies too, and loads no API for that.
"""

from pydantic import BaseModel, ConfigDict


class Closed(BaseModel):
    """Fields that are not named are refused, and nothing is changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)
