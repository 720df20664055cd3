from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    # Built while purchases go on being written.
    atomic = False

    dependencies = [
        ('orders', '0011_sent_from'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='purchase',
            index=models.Index(condition=models.Q(('erased_at', None), ('status__in', ['declined', 'expired', 'cancelled'])), fields=['id'], name='purchase_unsold_kept'),
        ),
    ]
