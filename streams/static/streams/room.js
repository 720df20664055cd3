/**
 * The client of `livecommerce.v1` (docs/socket-protocol.md): stays connected to one show, resumes where it was, and
 * lets every event through once and in order. No dependency, no page: what is drawn is up to who listens.
 *
 *   const room = new Room("wss://shop.example/ws/v1/live/evening-glow", { ticket: async () => null });
 *   room.on("snapshot", (d, frame) => ...);        // the whole state, at first and whenever continuity was lost
 *   room.on("product.pinned", (d, frame) => ...);  // any server frame by its type; "*" hears all: (d, frame)
 *   room.on("connection", ({ online, code, final }) => ...);  // final: it will not come back by itself
 *   room.start();
 *   const reply = await room.command("chat.send", { text: "Hi" }, { key: crypto.randomUUID() });
 *
 * `on` returns a function that stops listening. `command` resolves with the reply's body; it rejects with a RoomError
 * whose `code` is the server's, or NO_ANSWER when the connection was away: what became of the command is unknown then,
 * and sending it again with the same key is safe. `room.now()` is the server's clock in Unix ms, `room.position`
 * where the viewer is in the show ({epoch, offset} or null), `room.online` whether it is connected and welcomed,
 * `room.send(t, d)` sends what has no reply. `stop()` leaves, `reconnect()` comes anew (after signing in or out).
 *
 * @typedef {{v: 1, t: string, d: any, l?: "s" | "u", e?: string, o?: number, k?: string, n?: number, re?: number}} Frame
 * @typedef {{epoch: string, offset: number}} Position
 * @typedef {{ticket?: () => Promise<string | null>, resume?: Position | null, client?: string,
 *   socket?: typeof WebSocket}} Options
 */

const PROTOCOL = "livecommerce.v1";
const SILENCE_MS = 10_000; // beyond the server's heartbeat
const COMMAND_MS = 10_000;
const BACKOFF_MS = [500, 30_000];
const ABUSE_MS = 60_000;
const STEADY_MS = 10_000;
const LINES = 300; // chat ids that are remembered
const FINAL = new Set([1000, 4400, 4403, 4404, 4406, 4410]); // change something first
const [BAD_TICKET, REPLACED, ABUSE, GAP, SILENT] = [4401, 4409, 4429, 4509, 4511];

export class RoomError extends Error {
  /** @param {{code: string, message?: string, temporary?: boolean, retry_ms?: number, fields?: any, data?: any}} d */
  constructor(d) {
    super(d.message ?? d.code);
    this.name = "RoomError";
    this.code = d.code;
    this.temporary = d.temporary ?? false;
    this.retryMs = d.retry_ms ?? null;
    this.fields = d.fields ?? {};
    this.data = d.data ?? {};
  }
}

const noAnswer = () => new RoomError({ code: "NO_ANSWER", message: "The server gave no answer.", temporary: true });

export class Room {
  /** @type {Map<string, Set<(d: any, frame: Frame) => void>>} */
  #listeners = new Map();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<number, {resolve: (d: any) => void, reject: (error: Error) => void, timer: number}>} */
  #waiting = new Map();
  /** @type {Map<string, number>} newest version by state key */
  #versions = new Map();
  /** @type {Set<string>} ids of chat lines that were shown or taken down */
  #lines = new Set();
  #number = 0;
  #attempt = 0;
  #since = Infinity;
  #wanted = false;
  #lost = true; // lane s is not whole until the next snapshot
  #ticketRefused = false;
  #heartbeatMs = 25_000;
  #clock = { offset: 0, trip: Infinity };
  /** @type {{retry?: number, silence?: number}} */
  #timers = {};

  /** @param {string} url @param {Options} [options] */
  constructor(url, options = {}) {
    this.url = url;
    this.options = options;
    this.online = false;
    /** @type {Position | null} */
    this.position = options.resume ?? null;
    this.#lost = this.position === null;
  }

  /** @param {string} type @param {(d: any, frame: Frame) => void} run @returns {() => void} */
  on(type, run) {
    const all = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, all.add(run));
    return () => all.delete(run);
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    globalThis.addEventListener?.("online", this.#awake);
    globalThis.document?.addEventListener("visibilitychange", this.#awake);
    this.#open();
  }

  stop() {
    this.#wanted = false;
    globalThis.removeEventListener?.("online", this.#awake);
    globalThis.document?.removeEventListener("visibilitychange", this.#awake);
    this.#drop(1000, true);
  }

  /** Come anew at once, as whoever is signed in now. */
  reconnect() {
    this.#wanted = true;
    this.#drop(1000, false);
    this.#attempt = 0;
    this.#open();
  }

  /** The server's clock, in Unix milliseconds. */
  now() {
    return Date.now() + this.#clock.offset;
  }

  /** Send a frame that has no reply. @param {string} t @param {any} [d] */
  send(t, d = {}) {
    if (this.online) this.#socket?.send(JSON.stringify({ v: 1, t, d }));
  }

  /**
   * @param {string} t
   * @param {any} [d]
   * @param {{key?: string, timeoutMs?: number}} [more]
   * @returns {Promise<any>}
   */
  command(t, d = {}, { key, timeoutMs = COMMAND_MS } = {}) {
    if (!this.online) return Promise.reject(noAnswer());
    return this.#ask(t, d, key, timeoutMs);
  }

  #awake = () => {
    if (this.#wanted && !this.#socket && globalThis.document?.visibilityState !== "hidden") {
      this.#attempt = 0;
      this.#open();
    }
  };

  /** @param {string} t @param {any} d @param {string | undefined} key @param {number} ms @returns {Promise<any>} */
  #ask(t, d, key, ms) {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(noAnswer()), ms);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket?.send(JSON.stringify({ v: 1, t, id, ...(key ? { key } : {}), d }));
    });
  }

  /** @param {number | undefined} id */
  #settle(id) {
    const waiting = this.#waiting.get(id ?? 0);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(id ?? 0);
    return waiting;
  }

  async #open() {
    clearTimeout(this.#timers.retry);
    if (this.#socket || !this.#wanted) return;
    const socket = (this.#socket = new (this.options.socket ?? WebSocket)(this.url, PROTOCOL));
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(data);
    socket.onclose = ({ code }) => socket === this.#socket && this.#closed(code);
    socket.onopen = () => this.#hello(socket);
    this.#listen();
  }

  /** @param {WebSocket} socket */
  async #hello(socket) {
    const ticket = await (this.options.ticket?.() ?? null)?.catch(() => null);
    if (socket !== this.#socket) return;
    const d = {
      client: this.options.client ?? "room.js/1",
      ...(ticket ? { ticket } : {}),
      ...(this.position && !this.#lost ? { resume: { s: this.position } } : {}),
    };
    // A refused hello is followed by the close code that says what to do; only silence is ours to judge.
    this.#ask("hello", d, undefined, COMMAND_MS).catch((error) => {
      if (error.code === "NO_ANSWER" && socket === this.#socket) this.#closed(SILENT);
    });
  }

  /** Whatever comes proves that the connection lives. */
  #listen() {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#closed(SILENT), this.#heartbeatMs + SILENCE_MS);
  }

  /** @param {string} data */
  #hear(data) {
    this.#listen();
    for (const line of data.split("\n")) {
      /** @type {Frame} */
      const frame = JSON.parse(line);
      if (this.#take(frame)) this.#tell(frame.t, frame.d, frame);
    }
  }

  /** Say whether a frame is news. @param {Frame} frame */
  #take(frame) {
    const { t, d } = frame;
    if (t === "reply") this.#settle(frame.re)?.resolve(d);
    else if (t === "error") this.#settle(frame.re)?.reject(new RoomError(d));
    else if (t === "ping") this.#socket?.send('{"v":1,"t":"pong"}');
    else if (t === "welcome") this.#welcomed(frame);
    else if (t === "reconnect") setTimeout(() => this.online && this.reconnect(), Math.random() * d.spread_ms);
    else if (t === "resync") this.#lost = true;
    else if (t === "auth.expiring") this.#refresh();
    else if (t === "snapshot") {
      this.position = { epoch: frame.e ?? "", offset: frame.o ?? 0 };
      this.#lost = false;
    } else if (frame.l === "s" && frame.o !== undefined) return this.#inOrder(frame);
    else if (frame.k !== undefined) return this.#newer(frame);
    else if (t === "chat.message") return this.#line(d.id);
    return true;
  }

  /** @param {Frame} frame */
  #inOrder(frame) {
    if (this.#lost || !this.position) return false;
    const offset = frame.o ?? 0;
    if (frame.e === this.position.epoch && offset <= this.position.offset) return false;
    if (frame.e !== this.position.epoch || offset > this.position.offset + 1) {
      this.#lost = true;
      // Only a snapshot helps; without one, coming anew does.
      this.command("resync").catch((error) => error.code !== "NO_ANSWER" && this.#closed(GAP));
      return false;
    }
    this.position = { epoch: this.position.epoch, offset };
    if (frame.t === "chat.removed") this.#line(frame.d.id);
    return true;
  }

  /** @param {Frame} frame */
  #newer(frame) {
    if ((this.#versions.get(frame.k ?? "") ?? -1) >= (frame.n ?? 0)) return false;
    this.#versions.set(frame.k ?? "", frame.n ?? 0);
    return true;
  }

  /** @param {string} id */
  #line(id) {
    if (this.#lines.has(id)) return false;
    this.#lines.add(id);
    if (this.#lines.size > LINES) this.#lines.delete(this.#lines.values().next().value ?? "");
    return true;
  }

  /** @param {Frame} frame */
  #welcomed({ re, d }) {
    this.#settle(re)?.resolve(d);
    this.#since = Date.now();
    this.#ticketRefused = false;
    this.#heartbeatMs = d.heartbeat_ms;
    if (!d.recovered.s) this.#lost = true;
    if (this.#clock.trip === Infinity) this.#clock.offset = d.server_ms - Date.now();
    this.#clock.trip = Infinity;
    this.online = true;
    this.#tell("connection", { online: true, code: null, final: false });
    this.#compareClocks(3);
  }

  /** The quickest of a few round trips tells the time best. @param {number} times */
  async #compareClocks(times) {
    for (; times > 0 && this.online; times--) {
      const sent = Date.now();
      const reply = await this.command("time.sync", { c: sent }).catch(() => null);
      if (!reply) return;
      const trip = Date.now() - sent;
      if (trip < this.#clock.trip) this.#clock = { offset: reply.server_ms - (sent + trip / 2), trip };
    }
  }

  async #refresh() {
    const ticket = await (this.options.ticket?.() ?? null)?.catch(() => null);
    if (ticket) await this.command("auth.refresh", { ticket }).catch(() => null);
  }

  /** @param {number} code @param {boolean} final */
  #drop(code, final) {
    const [socket, was] = [this.#socket, this.online];
    clearTimeout(this.#timers.retry);
    clearTimeout(this.#timers.silence);
    this.#socket = null;
    this.online = false;
    try {
      socket?.close(1000);
    } catch {
      // It never opened.
    }
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(noAnswer());
    if (was || final) this.#tell("connection", { online: false, code, final });
  }

  /** @param {number} code */
  #closed(code) {
    const again = code === BAD_TICKET ? !this.#ticketRefused && Boolean(this.options.ticket) : !FINAL.has(code);
    this.#ticketRefused = code === BAD_TICKET;
    // Only a connection that held has earned a quick return.
    if (Date.now() - this.#since > STEADY_MS) this.#attempt = 0;
    this.#since = Infinity;
    this.#drop(code, !again);
    // Another tab has taken over: this one comes back when somebody looks at it.
    if (!again || code === REPLACED) return;
    const [first, most] = BACKOFF_MS;
    const wait = Math.random() * Math.min(most, first * 2 ** this.#attempt++);
    this.#timers.retry = setTimeout(() => this.#open(), code === ABUSE ? ABUSE_MS + wait : wait);
  }

  /** @param {string} type @param {any} d @param {Frame} [frame] */
  #tell(type, d, frame = { v: 1, t: type, d }) {
    for (const run of [...(this.#listeners.get(type) ?? []), ...(frame.t !== "connection" ? (this.#listeners.get("*") ?? []) : [])]) {
      try {
        run(d, frame);
      } catch (error) {
        console.error(error); // One listener's mistake is not another's.
      }
    }
  }
}
