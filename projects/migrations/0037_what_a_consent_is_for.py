from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0036_consent_reminders'),
    ]

    operations = [
        # Empty for what was asked before: a migration knows no catalogue, and an empty one opens nothing (decision 0041).
        migrations.AddField(
            model_name='dataconsent',
            name='place',
            field=models.CharField(blank=True, default='', help_text='What that name stood for when it was asked. Empty, as before it was kept: it opens nothing.', max_length=400),
        ),
    ]
