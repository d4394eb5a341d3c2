"""What every entry of platform.yaml is: frozen, without a field that we don't know, and mostly with a name."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")]


class Entry(BaseModel):
    """Base of all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Entry):
    """Base of those that others name. `title`: what people read; "" for the name."""

    name: Name
    title: str = ""
