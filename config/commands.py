"""What a socket may ask: command type -> dotted path of its handler."""

COMMANDS: dict[str, str] = {"chat.send": "streams.commands.chat_send"}
