"""A row of what is to be told for each commit of a branch: a row for the branch lost a commit that the next overtook."""

from django.db import migrations, models
from django.db.models import Q

COMMIT_OF_ITS_REPORT = """
UPDATE projects_feedback SET commit = projects_report.commit
FROM projects_report WHERE projects_report.id = report_id AND projects_feedback.pull_request IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("projects", "0031_default_branch")]

    operations = [
        migrations.AddField(
            model_name="feedback",
            name="commit",
            field=models.CharField(blank=True, default="", help_text="Empty for a pull request.", max_length=64),
        ),
        migrations.RemoveConstraint(model_name="feedback", name="feedback_once"),
        migrations.RemoveConstraint(model_name="feedback", name="feedback_on_a_pull_request_or_a_branch"),
        migrations.RunSQL(COMMIT_OF_ITS_REPORT, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="feedback",
            constraint=models.UniqueConstraint(
                fields=("project", "pull_request", "branch", "commit"), name="feedback_once", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="feedback",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(pull_request=None, branch__gt="", commit__gt=""),
                    Q(pull_request__isnull=False, branch="", commit=""),
                    _connector="OR",
                ),
                name="feedback_on_a_pull_request_or_a_commit",
            ),
        ),
    ]
