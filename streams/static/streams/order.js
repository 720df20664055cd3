/** Keeping order in a show: one request each, for the host at her desk and for moderators among the viewers. */

import { call } from "../commerce/api.js";

export class Order {
  /** @param {string} stream Id of the show. */
  constructor(stream) {
    this.base = `moderation/shows/${stream}`;
  }

  /** @param {string} line @param {{rule: string, reason?: string}} why */
  remove(line, why) {
    return this.#post(`lines/${line}/remove`, why);
  }

  /** @param {string} line @param {string} [reason] */
  restore(line, reason = "") {
    return this.#post(`lines/${line}/restore`, { reason });
  }

  /** @param {string} line @param {"show" | "remove"} verdict @param {{rule?: string, reason?: string}} [why] */
  decide(line, verdict, why = {}) {
    return this.#post(`lines/${line}/decide`, { verdict, ...why });
  }

  /** @param {string} appeal @param {"upheld" | "overturned"} outcome @param {string} [reason] */
  decideAppeal(appeal, outcome, reason = "") {
    return this.#post(`appeals/${appeal}`, { outcome, reason });
  }

  /** @param {string} line */
  pin(line) {
    return call(`${this.base}/pinned-line`, { method: "PUT", body: { line } });
  }

  unpin() {
    return call(`${this.base}/pinned-line`, { method: "DELETE" });
  }

  /** @param {{slow_s?: number, followers_only?: boolean}} mode */
  mode(mode) {
    return call(`${this.base}/mode`, { method: "PATCH", body: mode });
  }

  /** @param {string} user @param {"mute" | "ban"} kind @param {number | null} seconds @param {{rule: string, reason?: string}} why */
  restrain(user, kind, seconds, why) {
    return this.#post("restraints", { user, kind, ...(seconds ? { seconds } : {}), ...why });
  }

  /** @param {string} user @param {"mute" | "ban"} kind */
  pardon(user, kind) {
    return this.#post("pardon", { user, kind });
  }

  /** @param {string} question @param {boolean} answered */
  answer(question, answered) {
    return this.#post(`questions/${question}/answer`, { answered });
  }

  /** @param {string} email @param {string[]} rights */
  appoint(email, rights) {
    return call(`${this.base}/moderators`, { method: "PUT", body: { email, rights } });
  }

  /** @param {string} user @param {string[]} rights */
  trust(user, rights) {
    return call(`${this.base}/moderators`, { method: "PUT", body: { user, rights } });
  }

  /** @param {string} user */
  dismiss(user) {
    return call(`${this.base}/moderators/${user}`, { method: "DELETE" });
  }

  /** @param {string} text */
  block(text) {
    return call("moderation/words", { method: "POST", body: { text } });
  }

  /** @param {string} word */
  unblock(word) {
    return call(`moderation/words/${word}`, { method: "DELETE" });
  }

  /** A list of the show, such as "queue" or "decisions". @param {string} what @param {string} [query] */
  read(what, query = "") {
    return call(`${this.base}/${what}${query}`);
  }

  words() {
    return call("moderation/words");
  }

  /** @param {string} path @param {any} body */
  #post(path, body) {
    return call(`${this.base}/${path}`, { method: "POST", body });
  }
}
