from portal import checks
from tests.provisioning.wishes import catalogue


def test_sentences_in_languages_without_pages_are_named() -> None:
    rule = {"name": "large", "decision": "ask", "because": "A lot.", "because_in": {"sv": "Mycket.", "de": "Viel."}}
    said = checks.unshown_sentences(catalogue(policy=[rule]))
    assert said == ["policy.large: Slipway has no pages in `de`; its sentence is not shown to anyone."]
