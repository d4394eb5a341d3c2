"""Object ids of people who signed in before base64 and text were one form."""

import base64
import re
import uuid

from django.db import migrations

_GUID_BYTES = re.compile(r"[0-9A-Za-z+/]{22}==")


def to_text(apps, schema_editor):
    users = apps.get_model("portal", "User").objects.exclude(object_id="")
    for user in users.iterator():
        kept = user.object_id
        if _GUID_BYTES.fullmatch(kept):
            kept = str(uuid.UUID(bytes_le=base64.b64decode(kept)))
        elif re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", kept):
            kept = kept.lower()
        if kept != user.object_id and not users.filter(tenant=user.tenant, object_id=kept).exists():
            user.object_id = kept
            user.save(update_fields=["object_id"])


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]

    operations = [migrations.RunPython(to_text, migrations.RunPython.noop)]
