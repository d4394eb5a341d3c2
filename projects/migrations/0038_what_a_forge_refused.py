from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0037_what_a_consent_is_for")]

    operations = [
        migrations.AddIndex(
            model_name="feedback",
            index=models.Index(
                condition=models.Q(("look_at", None), models.Q(("why", ""), _negated=True)),
                fields=["project"],
                name="feedback_refused",
            ),
        ),
    ]
