import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('projects', '0035_what_a_report_stands_beside'),
    ]

    operations = [
        migrations.CreateModel(
            name='ConsentReminder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('reminded', 'reminded'), ('escalated', 'escalated')], max_length=10)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('consent', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='projects.dataconsent')),
            ],
            options={
                'ordering': ['pk'],
            },
        ),
        migrations.AddConstraint(
            model_name='consentreminder',
            constraint=models.UniqueConstraint(fields=('consent', 'kind'), name='consent_reminder_once'),
        ),
    ]
