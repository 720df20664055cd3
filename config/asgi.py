"""One ASGI application for HTTP and sockets; `web` and `live` are two processes of it."""

import os

import django
from channels.routing import ProtocolTypeRouter
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)  # Loads the apps, which the sockets' models need.

from catalog.media.rendering import MOST_BYTES  # noqa: E402
from commerce.bodylimit import BodyLimit  # noqa: E402
from commerce.pool import Pool  # noqa: E402
from config.answering import Handler  # noqa: E402
from config.forwarded import Forwarded  # noqa: E402
from streams.live import ahead  # noqa: E402
from streams.live.gate import Gate  # noqa: E402
from streams.routing import router  # noqa: E402

ahead.load()

http = Handler(Pool(name="http", threads=settings.HTTP_THREADS))

# The largest body that is taken is a feed or a picture in a form.
most = max(settings.IMPORT_MAX_BYTES, MOST_BYTES) + 65_536
sockets = Gate(
    router,
    per_second=settings.ROOM_UPGRADES_PER_SECOND,
    burst=2 * settings.ROOM_UPGRADES_PER_SECOND,
    per_address=settings.ROOM_SOCKETS_PER_ADDRESS,
    trust_proxy=settings.TRUST_PROXY,
)
requests = BodyLimit(http, most=most)
application = ProtocolTypeRouter(
    {"http": Forwarded(requests) if settings.TRUST_PROXY else requests, "websocket": sockets}
)
