"""Where pages are, as mails, chats and commits' statuses name them.

The worker writes those and has no URL map: with the map it would hold every view, form and serializer of the portal in
memory and never use one. A test holds these to the map.
"""

NOTIFICATIONS = "/account/notifications/"


def of_project(slug: str) -> str:
    """The path of a project's page."""
    return f"/projects/{slug}/"


def of_request(number: int) -> str:
    """The path of a request's page."""
    return f"/requests/{number}/"


def of_consent(number: int) -> str:
    """The path of the page of a question for consent."""
    return f"/consents/{number}/"


def of_run(number: int) -> str:
    """The path of the page of a bulk run."""
    return f"/platform/actions/{number}/"
