// A room as the documentation of node's `ws` builds it. Every line on the input is sent to everybody; it ends
// with its input. Takes the folder in which the package is installed.
const { createRequire } = require("node:module");
const readline = require("node:readline");

const { WebSocketServer, WebSocket } = createRequire(process.argv[2] + "/")("ws");
const room = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false, backlog: 4096 });

room.on("listening", () => console.log(room.address().port));

const input = readline.createInterface({ input: process.stdin });
input.on("line", (line) => {
  for (const viewer of room.clients) {
    if (viewer.readyState === WebSocket.OPEN) viewer.send(line);
  }
});
input.on("close", () => process.exit(0));
