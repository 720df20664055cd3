/** The last lines of a chat in order, few enough to draw, whatever comes. */

/**
 * @typedef {{item: string | null, product: string | null, answered_at: number | null}} Question
 * @typedef {{id: string, user: {id: string, name: string, role: string}, text: string, at: number,
 *   question?: Question}} Line
 */

export const MOST = 150;

export class Lines {
  /** Oldest first. @type {Line[]} */
  all = [];
  /** @type {Set<string>} */
  #known = new Set();

  /** @param {string} id */
  has(id) {
    return this.#known.has(id);
  }

  /** @param {string} id @returns {Line | undefined} */
  get(id) {
    return this.#known.has(id) ? this.all.find((one) => one.id === id) : undefined;
  }

  /** Put a line in its place, in place of what was known of it. @param {Line} line */
  put(line) {
    if (this.#known.has(line.id)) {
      this.all = this.all.map((one) => (one.id === line.id ? line : one));
      return;
    }
    const last = this.all.at(-1);
    if (last && last.at > line.at) {
      if (this.all.length >= MOST && line.at < this.all[0].at) return;
      this.all.splice(this.all.findIndex((one) => one.at > line.at), 0, line);
    } else this.all.push(line);
    this.#known.add(line.id);
    // In steps, so that a busy chat does not copy the list with every line.
    if (this.all.length > MOST + 30) {
      for (const gone of this.all.splice(0, this.all.length - MOST)) this.#known.delete(gone.id);
    }
  }

  /** @param {string} id */
  remove(id) {
    if (!this.#known.delete(id)) return;
    this.all = this.all.filter((one) => one.id !== id);
  }

  /** The snapshot's lines: what it leaves out of its own time has been taken down. @param {Line[]} lines */
  renew(lines) {
    const from = lines[0]?.at ?? Infinity;
    const told = new Set(lines.map((one) => one.id));
    for (const one of this.all.filter((one) => one.at >= from && !told.has(one.id))) this.remove(one.id);
    for (const line of lines) this.put(line);
  }
}
