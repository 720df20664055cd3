"""One ASGI application for HTTP and sockets; `web` and `live` are two processes of it."""

import os

from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

http = get_asgi_application()  # Loads the apps, which the sockets' models need.

from commerce.bodylimit import BodyLimit  # noqa: E402
from streams.live import ahead  # noqa: E402
from streams.live.gate import Gate  # noqa: E402
from streams.routing import router  # noqa: E402

ahead.load()

# The largest body that is taken is a feed in a form.
most = settings.IMPORT_MAX_BYTES + 65_536
sockets = Gate(
    router,
    per_second=settings.ROOM_UPGRADES_PER_SECOND,
    burst=2 * settings.ROOM_UPGRADES_PER_SECOND,
    per_address=settings.ROOM_SOCKETS_PER_ADDRESS,
    trust_proxy=settings.TRUST_PROXY,
)
application = ProtocolTypeRouter({"http": BodyLimit(http, most=most), "websocket": sockets})
