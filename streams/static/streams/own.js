/**
 * What concerns the viewer alone: who she is in the show, what binds her, and what became of her own lines.
 *
 * @typedef {{stream: string, id: string, text: string, said_at: number, decision: string,
 *   action: "held" | "shown" | "removed" | "restored", rule: string, reason: string, by: "filter" | "host" | "mod",
 *   appealable: boolean, at: number, appeal?: "open" | "upheld" | "overturned", answer?: string}} Decided
 * @typedef {{stream: string, kind: "mute" | "ban", until: number | null, decision: string, rule: string,
 *   reason: string, appealable: boolean, at: number, appeal?: "open" | "upheld" | "overturned",
 *   answer?: string}} Restraint
 * @typedef {{held: number, reported: number, appeals: number, questions: number}} Waiting
 */

const MOST = 20;

export class Own {
  /** @type {{id: string, name: string, role: string} | null} */
  who = null;
  /** @type {Set<string>} */
  rights = new Set();
  follows = false;
  /** @type {Waiting | null} */
  waiting = null;
  /** @type {Restraint[]} */
  restraints = [];
  /** Own lines that are held or were removed, by id. @type {Map<string, Decided>} */
  lines = new Map();

  /** @param {any} me What the snapshot says of her; null for nobody. */
  enter(me) {
    if (!me || (this.who && this.who.id !== me.id)) this.lines = new Map();
    this.who = me && { id: me.id, name: me.name, role: me.role };
    this.rights = new Set(me?.rights ?? []);
    this.follows = me?.follows ?? false;
    this.waiting = me?.waiting ?? null;
    this.restraints = this.#known(me?.restraints ?? [], this.restraints);
    const held = new Set((me?.held ?? []).map((/** @type {Decided} */ one) => one.id));
    for (const one of [...this.lines.values()]) if (one.action === "held" && !held.has(one.id)) this.lines.delete(one.id);
    for (const one of me?.held ?? []) this.decided(one);
  }

  /** A line of hers is held, or something was decided about it. @param {Decided} d */
  decided(d) {
    if (d.action === "held" || d.action === "removed") {
      this.lines.set(d.id, { ...this.#told(this.lines.get(d.id), d.decision), ...d });
      if (this.lines.size > MOST) this.lines.delete(this.lines.keys().next().value ?? "");
    } else this.lines.delete(d.id);
  }

  /** @param {Restraint} d */
  restrained(d) {
    const others = this.restraints.filter((one) => one.kind !== d.kind);
    this.restraints = [...others, ...this.#known([d], this.restraints)];
  }

  /** @param {Restraint} d */
  pardoned(d) {
    this.restraints = this.restraints.filter((one) => one.kind !== d.kind);
  }

  /** @param {string} decision @param {"open" | "upheld" | "overturned"} appeal @param {string} [answer] */
  appealed(decision, appeal, answer = "") {
    for (const [id, one] of this.lines)
      if (one.decision === decision) this.lines.set(id, { ...one, appealable: false, appeal, answer });
    this.restraints = this.restraints.map((one) =>
      one.decision === decision ? { ...one, appealable: false, appeal, answer } : one,
    );
  }

  /** What keeps her from chatting at a moment, the ban before the mute. @param {number} now Server time in Unix ms. */
  boundBy(now) {
    return this.restraints
      .filter((one) => one.until === null || one.until > now)
      .sort((a, b) => (a.kind < b.kind ? -1 : 1))[0];
  }

  /** @template {Restraint} T @param {T[]} told @param {T[]} held */
  #known(told, held) {
    return told.map((one) => ({ ...this.#told(held.find((old) => old.decision === one.decision), one.decision), ...one }));
  }

  /** What is known of an appeal stays known. @param {Decided | Restraint | undefined} before @param {string} decision */
  #told(before, decision) {
    return before?.decision === decision && before.appeal ? { appeal: before.appeal, answer: before.answer } : {};
  }
}
