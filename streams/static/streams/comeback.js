/** When a client of `livecommerce.v1` comes back after its connection ended, by the protocol's table of close codes. */

const [GOODBYE, TOO_LARGE, REPLACED, ABUSE, DRAINING] = [1000, 1009, 4409, 4429, 4503];
const BACKOFF_MS = [500, 30_000];
const STEADY_MS = 10_000; // a connection that stood so long has earned a quick return
const SPREAD_MS = 5_000; // where a process went without naming any
const ABUSE_MS = 60_000;

/** Whether something has to be changed before coming back. @param {number} code */
export function isFinal(code) {
  return code === GOODBYE || code === TOO_LARGE || (code >= 4400 && code < 4500 && code !== REPLACED && code !== ABUSE);
}

/** Whether to wait until somebody looks at this page. @param {number} code */
export const waitsForSomebody = (code) => code === REPLACED;

/** Back-off with full jitter, over the connections of one client. */
export class Comeback {
  #attempt = 0;

  /** Somebody wants it now. */
  hurry() {
    this.#attempt = 0;
  }

  /**
   * How long to wait.
   * @param {number} code
   * @param {{lasted: number, asked: number | null}} how Milliseconds that it stood, and that the server asked for.
   */
  after(code, { lasted, asked }) {
    if (lasted > STEADY_MS) this.#attempt = 0;
    if (code === DRAINING) return Math.random() * SPREAD_MS;
    const [first, most] = BACKOFF_MS;
    const wait = Math.random() * Math.min(most, first * 2 ** this.#attempt);
    this.#attempt = Math.min(this.#attempt + 1, 30);
    if (code === ABUSE) return ABUSE_MS + wait;
    return wait + (asked ?? 0) * (1 + Math.random() / 2);
  }
}
