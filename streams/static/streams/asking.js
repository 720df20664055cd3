/** Commands under way on one connection: each has a number, and is answered, refused or left without an answer. */

export class RoomError extends Error {
  /** @param {{code: string, message?: string, temporary?: boolean, retry_ms?: number, fields?: any, data?: any}} d */
  constructor(d) {
    super(d.message ?? d.code);
    this.name = "RoomError";
    this.code = d.code;
    this.temporary = d.temporary ?? false;
    /** @type {number | null} */
    this.retryMs = d.retry_ms ?? null;
    this.fields = d.fields ?? {};
    this.data = d.data ?? {};
  }
}

/** What became of the command is unknown. */
export const noAnswer = () =>
  new RoomError({ code: "NO_ANSWER", message: "The server gave no answer.", temporary: true });

export class Asking {
  /** @type {Map<number, {resolve: (d: any) => void, reject: (error: Error) => void, timer: number}>} */
  #waiting = new Map();
  #number = 0;

  /** How many wait for an answer. */
  get size() {
    return this.#waiting.size;
  }

  /**
   * @param {WebSocket | null} socket @param {string} t @param {any} d @param {string | undefined} key
   * @param {number} ms How long to wait.
   * @returns {Promise<any>}
   */
  ask(socket, t, d, key, ms) {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(noAnswer()), ms);
      this.#waiting.set(id, { resolve, reject, timer });
      socket?.send(JSON.stringify({ v: 1, t, id, ...(key ? { key } : {}), d }));
    });
  }

  /** @param {number | undefined} id @param {any} d */
  answered(id, d) {
    this.#settle(id)?.resolve(d);
  }

  /** @param {number | undefined} id @param {any} d */
  refused(id, d) {
    this.#settle(id)?.reject(new RoomError(d));
  }

  /** The connection went. */
  lost() {
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(noAnswer());
  }

  /** @param {number | undefined} id */
  #settle(id) {
    const waiting = this.#waiting.get(id ?? 0);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(id ?? 0);
    return waiting;
  }
}
