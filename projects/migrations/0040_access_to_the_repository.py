"""The Kind main_branch, which no release had, gives people their rights too, and is called repository_access."""

from django.db import migrations

_KEPT_BY_KIND = [
    ("provisioning", "Resource"),
    ("projects", "SkippedKind"),
    ("projects", "LookAsked"),
    ("projects", "BulkRun"),
]


def _rename(apps, *, old, new):
    for app, model in _KEPT_BY_KIND:
        apps.get_model(app, model).objects.filter(kind=old).update(kind=new)


def forwards(apps, _editor):
    _rename(apps, old="main_branch", new="repository_access")


def backwards(apps, _editor):
    _rename(apps, old="repository_access", new="main_branch")


class Migration(migrations.Migration):

    dependencies = [
        ("projects", "0039_what_waits_for_a_person"),
        ("provisioning", "0005_events_that_tell"),
    ]

    operations = [
        migrations.RunPython(forwards, backwards),
    ]
