"""Which certificates a client trusts."""

import ssl

import pytest

from provisioning.clients.certificates import trusting
from provisioning.errors import TargetUnavailable


def test_without_certificates_of_its_own_a_client_trusts_those_of_the_system() -> None:
    context = trusting(None, name="entra")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("ca", ["garbage", "-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_named(ca: str) -> None:
    with pytest.raises(TargetUnavailable) as told:
        trusting(ca, name="entra")
    assert told.value.message == "The certificates to trust of entra (ca) can't be read. Correct the file."
