"""One ASGI application for HTTP and sockets; `web` and `live` are two processes of it."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

http = get_asgi_application()  # Loads the apps, which the sockets' models need.

from streams.routing import router  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": router})
