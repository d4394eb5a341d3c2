"""The development stack's sample has what every project starts from."""

from devstack import sample_ci
from provisioning.project_templates import answers
from provisioning.project_templates.rendering import files_for
from provisioning.rendered import Rendered
from tests.provisioning.wishes import wish


def test_the_sample_is_made_of_the_same_files_as_a_project(rendered: Rendered):
    said = answers.of(wish(), template=rendered.template, version=rendered.version, logins={})

    assert sample_ci.rendered(said) == files_for(rendered, said)
