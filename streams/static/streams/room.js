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
 * Options: `ticket` fetches a ticket, null for who is not signed in; it is asked before each connection and when the
 * hour is nearly over. It may reject: with `temporary: false` the connection goes on without a ticket, else it is tried
 * again later (not before `retryMs`). `cookie: true` says that the page's own session cookie reaches the socket, so
 * that no ticket is fetched to connect, only to stay; where the cookie is refused a ticket is tried. `resume` holds
 * the places from which a page was rendered, lane by lane.
 *
 * @typedef {import("./heard.js").Frame} Frame
 * @typedef {import("./heard.js").Position} Position
 * @typedef {{ticket?: () => Promise<string | null>, cookie?: boolean, client?: string, socket?: typeof WebSocket,
 *   resume?: {s?: Position | null, u?: Position | null}}} Options
 * @typedef {{online: boolean, code: number | null, final: boolean}} Connection
 */

import { Asking, noAnswer } from "./asking.js";
import { Comeback, isFinal, waitsForSomebody } from "./comeback.js";
import { Heard } from "./heard.js";

export { RoomError } from "./asking.js";

const PROTOCOL = "livecommerce.v1";
const SILENCE_MS = 10_000; // beyond the server's heartbeat
const WELCOME_MS = 20_000;
const COMMAND_MS = 10_000;
const SNAPSHOT_MS = 20_000; // without one in that time, coming anew is what helps
const [GOODBYE, NO_NETWORK, BAD_TICKET, FORBIDDEN] = [1000, 1006, 4401, 4403];
const [ABUSE, GAP, SILENT] = [4429, 4509, 4511];

export class Room {
  /** @type {Map<string, Set<(d: any, frame: Frame) => void>>} */
  #listeners = new Map();
  #asking = new Asking();
  #comeback = new Comeback();
  /** @type {Heard} */
  #heard;
  /** @type {WebSocket | null} */
  #socket = null;
  /** The turn that fetches a ticket. @type {symbol | null} */
  #opening = null;
  #wanted = false;
  #since = Infinity;
  #notBefore = 0;
  /** The server asked for so much patience. @type {number | null} */
  #asked = null;
  /** When to have left a process that is going. @type {number | null} */
  #leaveAt = null;
  #byTicket = false; // the cookie was refused
  #sentTicket = false;
  #ticketRefused = false;
  #heartbeatMs = 25_000;
  #clock = { offset: 0, trip: Infinity };
  /** @type {{retry?: number, silence?: number, leave?: number, snapshot?: number}} */
  #timers = {};

  /** @param {string} url @param {Options} [options] */
  constructor(url, options = {}) {
    this.url = url;
    this.options = options;
    this.online = false;
    this.#heard = new Heard(options.resume);
  }

  /** @returns {Position | null} */
  get position() {
    return this.#heard.s;
  }

  /** The server's clock, in Unix milliseconds. */
  now() {
    return Date.now() + this.#clock.offset;
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
    for (const event of ["online", "focus"]) globalThis.addEventListener?.(event, this.#awake);
    globalThis.document?.addEventListener("visibilitychange", this.#awake);
    this.#open();
  }

  stop() {
    this.#over(GOODBYE);
  }

  /** Come anew at once, as whoever is signed in now. */
  reconnect() {
    this.#heard.forgetUser();
    this.#byTicket = this.#ticketRefused = false;
    if (this.#wanted) this.#move();
    else this.start();
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
    return this.#asking.ask(this.#socket, t, d, key, timeoutMs);
  }

  // --- coming in ---

  async #open() {
    clearTimeout(this.#timers.retry);
    if (this.#socket || this.#opening || !this.#wanted) return;
    const turn = (this.#opening = Symbol("opening"));
    this.#listen(WELCOME_MS);
    /** @type {string | null} */
    let ticket = null;
    try {
      if (!this.options.cookie || this.#byTicket) ticket = (await this.options.ticket?.()) ?? null;
    } catch (/** @type {any} */ error) {
      if (this.#opening !== turn) return;
      if (error?.temporary !== false) {
        this.#asked = error?.retryMs ?? null;
        return this.#closed(NO_NETWORK);
      }
    }
    if (this.#opening !== turn) return;
    this.#opening = null;
    this.#sentTicket = ticket !== null;
    const socket = (this.#socket = new (this.options.socket ?? WebSocket)(this.url, PROTOCOL));
    socket.onopen = () => this.#hello(ticket);
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(data);
    socket.onclose = ({ code }) => socket === this.#socket && this.#closed(code);
  }

  /** @param {string | null} ticket */
  #hello(ticket) {
    const resume = this.#heard.resume();
    const d = {
      client: this.options.client ?? "room.js/1",
      ...(ticket ? { ticket } : {}),
      ...(resume.s || resume.u ? { resume } : {}),
    };
    // A refused hello is followed by the close code that says what to do.
    this.#asking.ask(this.#socket, "hello", d, undefined, WELCOME_MS).catch(({ retryMs }) => {
      this.#asked = retryMs;
    });
  }

  /** @param {Frame} frame */
  #welcomed({ re, d }) {
    this.#asking.answered(re, d);
    this.#heard.welcomed(d);
    this.#since = Date.now();
    this.#heartbeatMs = d.heartbeat_ms;
    this.#ticketRefused = false;
    if (this.#clock.trip === Infinity) this.#clock.offset = d.server_ms - Date.now();
    this.#clock.trip = Infinity;
    this.online = true;
    this.#expectSnapshot();
    this.#tell("connection", { online: true, code: null, final: false });
    void this.#compareClocks(3);
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

  // --- hearing ---

  /** Whatever comes proves that the connection lives. @param {number} [ms] */
  #listen(ms = this.#heartbeatMs + SILENCE_MS) {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#closed(SILENT), ms);
  }

  /** @param {string} data */
  #hear(data) {
    this.#listen();
    for (const line of data.split("\n")) {
      /** @type {Frame} */
      const frame = JSON.parse(line);
      if (this.#take(frame)) this.#tell(frame.t, frame.d, frame);
      if (this.#heard.missing.size) {
        void this.#resync([...this.#heard.missing]);
        this.#heard.missing.clear();
      }
    }
  }

  /** Say whether a frame is news. @param {Frame} frame */
  #take(frame) {
    const { t, d } = frame;
    if (t === "reply") this.#asking.answered(frame.re, d);
    else if (t === "error") this.#asking.refused(frame.re, d);
    else if (t === "ping") this.#socket?.send('{"v":1,"t":"pong"}');
    else if (t === "welcome") this.#welcomed(frame);
    else if (t === "reconnect") this.#leave(Math.random() * d.spread_ms);
    else if (t === "auth.expiring") void this.#refresh();
    else {
      const isNews = this.#heard.take(frame);
      if (t === "resync" || t === "snapshot") this.#expectSnapshot();
      return isNews;
    }
    return true;
  }

  #expectSnapshot() {
    clearTimeout(this.#timers.snapshot);
    if (!this.#heard.whole) this.#timers.snapshot = setTimeout(() => this.#closed(GAP), SNAPSHOT_MS);
  }

  /** Ask for lanes anew, until it is granted. @param {("s" | "u")[]} lanes */
  async #resync(lanes) {
    this.#expectSnapshot();
    const socket = this.#socket;
    while (socket === this.#socket && this.online) {
      try {
        return await this.command("resync", { lanes });
      } catch (/** @type {any} */ error) {
        if (!error.temporary || error.code === "NO_ANSWER") return;
        await new Promise((done) => setTimeout(done, error.retryMs ?? 2000));
      }
    }
  }

  async #refresh() {
    const ticket = await (this.options.ticket?.() ?? null)?.catch(() => null);
    if (ticket) await this.command("auth.refresh", { ticket }).catch(() => null);
  }

  // --- going ---

  /** Somebody looks at the page again, or the network is back. */
  #awake = () => {
    if (this.#socket || this.#opening || !this.#wanted || Date.now() < this.#notBefore) return;
    if (globalThis.document?.visibilityState === "hidden") return;
    this.#comeback.hurry();
    void this.#open();
  };

  /** Move on from a process that is going; it finishes what was asked of it. @param {number} ms */
  #leave(ms) {
    this.#leaveAt = Date.now() + ms;
    this.#timers.leave = setTimeout(() => (this.#asking.size ? this.#leave(100) : this.#move()), ms);
  }

  #move() {
    this.#drop(GOODBYE, false);
    this.#comeback.hurry();
    void this.#open();
  }

  /** @param {number} code */
  #closed(code) {
    const tickets = Boolean(this.options.ticket);
    const another = code === BAD_TICKET && tickets && !this.#ticketRefused;
    const instead = code === FORBIDDEN && tickets && !this.#sentTicket && !this.#byTicket && this.#since === Infinity;
    this.#ticketRefused = code === BAD_TICKET;
    this.#byTicket ||= instead;
    if (isFinal(code) && !another && !instead) return this.#over(code);
    const leaving = this.#leaveAt;
    const lasted = Date.now() - this.#since;
    const asked = this.#asked;
    this.#drop(code, false);
    if (waitsForSomebody(code)) return;
    const wait = leaving === null ? this.#comeback.after(code, { lasted, asked }) : Math.max(0, leaving - Date.now());
    // A press on the page does not shorten what the server has asked for.
    this.#notBefore = code === ABUSE || asked !== null || leaving !== null ? Date.now() + wait : 0;
    this.#timers.retry = setTimeout(() => this.#open(), wait);
  }

  /** It does not come back by itself. @param {number} code */
  #over(code) {
    this.#wanted = false;
    for (const event of ["online", "focus"]) globalThis.removeEventListener?.(event, this.#awake);
    globalThis.document?.removeEventListener("visibilitychange", this.#awake);
    this.#drop(code, true);
  }

  /** @param {number} code @param {boolean} final */
  #drop(code, final) {
    const [socket, was] = [this.#socket, this.online];
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#socket = this.#opening = this.#leaveAt = this.#asked = null;
    this.#since = Infinity;
    this.online = false;
    try {
      socket?.close(GOODBYE);
    } catch {
      // It never opened.
    }
    this.#asking.lost();
    if (was || final) this.#tell("connection", { online: false, code, final });
  }

  /** @param {string} type @param {any} d @param {Frame} [frame] */
  #tell(type, d, frame) {
    const all = frame ? (this.#listeners.get("*") ?? []) : [];
    for (const run of [...(this.#listeners.get(type) ?? []), ...all]) {
      try {
        run(d, frame ?? { v: 1, t: type, d });
      } catch (error) {
        console.error(error); // One listener's mistake is not another's.
      }
    }
  }
}
