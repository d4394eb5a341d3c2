"""The file that tells Feast where a project's feature store is, offered once as a pull request of the bot.

A repository is the team's, so nothing is pushed to its branch. What is in the file after the merge is theirs too, and a
pull request that they closed does not come back. No password stands in it: Feast fills in variables that the Secret
`feature-store-credentials`, the ConfigMap `project-info` and CI have.
"""

from collections.abc import Sequence

from provisioning import pull_requests
from provisioning.errors import TemporaryError
from provisioning.features import schema, wanted
from provisioning.forge import ForgeClient, Repository
from provisioning.kind import Body, Each, Kind, Object, Wish
from provisioning.phrases import Phrase, phrase
from provisioning.repositories import own_repository

FILE = "feature_repo/feature_store.yaml"
BRANCH = "slipway/feature-store"
_TITLE = "Feature store"

_STORE = """# Where this project's features are. No password stands here: the variables come from the Secret
# feature-store-credentials and the ConfigMap project-info of the workspace, and CI has them too.
project: {name}
provider: local
entity_key_serialization_version: 3
registry:
  registry_type: sql
  path: postgresql+psycopg://{login}@{place}?sslmode=${{FEATURES_DB_SSLMODE}}
offline_store:
  type: file
online_store:
  type: postgres
  host: ${{FEATURES_DB_HOST}}
  port: ${{FEATURES_DB_PORT}}
  database: ${{FEATURES_DB_NAME}}
  db_schema: {name}
  user: ${{FEATURES_DB_USER}}
  password: ${{FEATURES_DB_PASSWORD}}
  sslmode: ${{FEATURES_DB_SSLMODE}}
"""

_TEXT = """This tells Feast where the features of {title} are:

- registry and online store: the schema `{name}` in the platform's Postgres;
- offline data: `{url}` in the project's own bucket.

Feast needs `feast[postgres,aws]` and `s3fs`. Put your definitions beside the file in `feature_repo/`, with sources such
as

```python
FileSource(
    path="{url}/drivers.parquet",
    timestamp_field="event_timestamp",
    s3_endpoint_override=os.environ["AWS_ENDPOINT_URL"],
)
```

and run `feast -c feature_repo apply` in CI or in the workspace.

From the merge on the file is yours. Close this if you keep it elsewhere: it is not offered again.
"""


def file(wish: Wish) -> str:
    """The text of `feature_store.yaml`."""
    login = "${FEATURES_DB_USER}:${FEATURES_DB_PASSWORD}"
    place = "${FEATURES_DB_HOST}:${FEATURES_DB_PORT}/${FEATURES_DB_NAME}"
    return _STORE.format(name=schema(wish), login=login, place=place)


def desired(_wish: Wish) -> tuple[Object, ...]:
    """That the team has got the file, or was asked whether it wants it."""
    return (Object(key=FILE, body={"offered": True}),)


def observe(wish: Wish, client: ForgeClient, _objects: Sequence[Object], _each: Each) -> dict[str, Body | None]:
    """Is it there, or was it ever offered?"""
    found = own_repository(wish, client)
    return {FILE: {"offered": True} if found is not None and _is_settled(client, found) else None}


def _is_settled(client: ForgeClient, found: Repository) -> bool:
    if found["empty"]:
        return False
    name, base = found["full_name"], found["default_branch"]
    return client.file(name, FILE, base) is not None or client.ever_proposed(name, BRANCH, base)


def apply(wish: Wish, client: ForgeClient, objects: Sequence[Object], _each: Each) -> None:
    """Offer it. Raises TemporaryError while there is no commit that a pull request could change."""
    if not objects:
        return
    found = own_repository(wish, client)
    if found is None or found["empty"]:
        raise TemporaryError(phrase("The repository has no commit yet, so no pull request can be made. We look again."))
    if not _is_settled(client, found):
        pull_requests.offer(
            client,
            found["full_name"],
            BRANCH,
            base=found["default_branch"],
            title=_TITLE,
            bring=lambda _: pull_requests.Offer(files={FILE: file(wish).encode()}, text=_text(wish)),
        )


def _text(wish: Wish) -> str:
    url = f"s3://{wish.names.bucket}/features"
    return _TEXT.format(title=wish.names.slug, name=schema(wish), url=url)


def delete(wish: Wish, client: ForgeClient) -> bool:
    """Take back an offer that nobody took: with its branch goes the pull request. A merged file stays."""
    found = own_repository(wish, client)
    if found is not None and not found["empty"]:
        client.delete_branch(found["full_name"], BRANCH)
    return True


def summary(wish: Wish) -> Phrase:
    """Which file, and what it tells."""
    return phrase("%(file)s by pull request, for the schema %(schema)s", file=FILE, schema=schema(wish))


KIND = Kind(
    name="feast",
    title="Feature store file",
    system="forge",
    desired=desired,
    observe=observe,
    apply=apply,
    delete=delete,
    summary=summary,
    after=("repository_access",),
    wanted=wanted,
)
