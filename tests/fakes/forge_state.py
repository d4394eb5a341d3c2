"""What the forge in memory keeps of a repository."""

from dataclasses import dataclass, field

from provisioning.forge import (
    Comment,
    DeployKey,
    Head,
    Hook,
    Permission,
    Protection,
    PullRequest,
    Push,
    Repository,
    Status,
)


@dataclass
class StoredCommit:
    """A commit and the whole tree at it."""

    head: Head
    files: dict[str, bytes]


@dataclass
class StoredRepository:
    """A repository and all that hangs on it."""

    repository: Repository
    branches: dict[str, StoredCommit] = field(default_factory=dict)
    commits: dict[str, StoredCommit] = field(default_factory=dict)
    pushes: dict[str, list[Push]] = field(default_factory=dict)
    links: set[str] = field(default_factory=set)
    protections: dict[str, Protection] = field(default_factory=dict)
    collaborators: dict[str, Permission] = field(default_factory=dict)
    hooks: dict[int, Hook] = field(default_factory=dict)
    secrets: dict[int, str] = field(default_factory=dict)
    deploy_keys: dict[int, DeployKey] = field(default_factory=dict)
    ci_secrets: dict[str, str] = field(default_factory=dict)
    ci_variables: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, dict[str, Status]] = field(default_factory=dict)
    pull_requests: dict[int, PullRequest] = field(default_factory=dict)
    pull_request_texts: dict[int, str] = field(default_factory=dict)
    comments: dict[int, list[Comment]] = field(default_factory=dict)
