from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='time_zone',
            field=models.CharField(blank=True, default='', help_text="In which this person reads times, such as Europe/Berlin; empty for the panel's.", max_length=64),
            preserve_default=False,
        ),
    ]
