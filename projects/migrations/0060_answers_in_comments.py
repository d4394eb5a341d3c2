from django.db import migrations, models


def mark(apps, schema_editor):
    """What waits for who decides because it was answered goes on waiting since then."""
    requests = apps.get_model("projects", "ProjectRequest").objects.filter(decision="pending", asked_back_at=None)
    for request in requests.filter(comments__asks=True).distinct():
        question = request.comments.filter(asks=True).order_by("pk").last()
        said = request.comments.filter(pk__gt=question.pk, by=request.requested_by_id).order_by("pk").first()
        if said is not None:
            said.answers = True
            said.save(update_fields=["answers"])


class Migration(migrations.Migration):
    dependencies = [
        ("projects", "0059_who_attached_the_repository"),
    ]

    operations = [
        migrations.AddField(
            model_name="requestcomment",
            name="answers",
            field=models.BooleanField(db_default=False, default=False, help_text="It gave the request back to who decides."),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
