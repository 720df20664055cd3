"""The live room: the sockets of one process, and the hub that tells every viewer."""
