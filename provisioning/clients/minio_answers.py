"""What an object store said when it did not do what we asked: status, code and sentence of the library's exceptions."""

import json
from typing import NamedTuple
from xml.etree.ElementTree import ParseError

import urllib3
from minio.error import InvalidResponseError, MinioAdminException, S3Error, ServerError

from provisioning.clients.silence import silence
from provisioning.phrases import phrase

# The last two: what the library's parsers raise for a page that is no answer of a store.
VENDOR_ERRORS = (
    S3Error,
    ServerError,
    InvalidResponseError,
    MinioAdminException,
    urllib3.exceptions.HTTPError,
    ValueError,
    ParseError,
)


class Refusal(NamedTuple):
    """What the server said when it did not do it."""

    status: int
    code: str
    message: str


def refusal(error: Exception) -> Refusal:
    """Status, code and sentence of a vendor's exception; status 0 when there was no answer at all."""
    if isinstance(error, S3Error):
        return Refusal(error.response.status, error.code or "", error.message or phrase("no reason given"))
    if isinstance(error, ServerError):
        return Refusal(error.status_code, "", phrase("server error"))
    if isinstance(error, InvalidResponseError):
        return Refusal(error._code, "", phrase("not an S3 answer"))
    if isinstance(error, MinioAdminException):
        # The exception has no public fields for these two.
        status = int(error._code)
        try:
            said = json.loads(error._body)
            return Refusal(status, str(said["Code"]), str(said["Message"])[:300])
        except (ValueError, KeyError, TypeError):
            return Refusal(status, "", phrase("no reason given"))
    if isinstance(error, ValueError | ParseError):
        told = str(error)
        return Refusal(400, "InvalidBucketName" if "bucket name" in told else "", told[:300])
    return Refusal(0, "", silence(error))
