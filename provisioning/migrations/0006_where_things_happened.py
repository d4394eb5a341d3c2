from django.db import migrations, models

# Only what was changed by hand is listed by target. It was where its resource is; of one that is gone, where
# everybody's of that Kind are.
WHERE_IT_IS = """
UPDATE provisioning_event AS event SET target = resource.target FROM provisioning_resource AS resource
WHERE event.reason = 'Drifted' AND resource.project_id = event.project_id AND resource.kind = event.kind
"""
WHERE_ALL_ARE = """
UPDATE provisioning_event AS event SET target = everybody.target
FROM (
    SELECT kind, min(target) AS target FROM provisioning_resource GROUP BY kind HAVING min(target) = max(target)
) AS everybody
WHERE event.reason = 'Drifted' AND event.target = '' AND everybody.kind = event.kind
"""


class Migration(migrations.Migration):

    dependencies = [
        ('provisioning', '0005_events_that_tell'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='target',
            field=models.CharField(blank=True, default='', help_text='Where; its resource may be gone by now.', max_length=63),
        ),
        migrations.RunSQL(WHERE_IT_IS, migrations.RunSQL.noop),
        migrations.RunSQL(WHERE_ALL_ARE, migrations.RunSQL.noop),
    ]
