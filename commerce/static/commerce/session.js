/** Who is here: the signed-in user with addresses and cards, and everybody who wants to know when that changes. */

import { call } from "./api.js";

/**
 * @typedef {{id: string, email: string, name: string, is_host: boolean}} Me
 * @typedef {{id: string, name: string, line1: string, line2: string, city: string, postal_code: string,
 *   country: string, is_default: boolean}} Address
 * @typedef {{id: string, brand: string, last4: string, exp_month: number, exp_year: number, is_default: boolean}} Card
 */

export class Session extends EventTarget {
  /** @param {Me | null} me */
  constructor(me) {
    super();
    /** @type {Me | null} */
    this.me = me;
    /** @type {Address[] | null} null until asked for */
    this.addresses = null;
    /** @type {Card[] | null} */
    this.cards = null;
  }

  get card() {
    return this.cards?.find((one) => one.is_default) ?? this.cards?.[0] ?? null;
  }

  get address() {
    return this.addresses?.find((one) => one.is_default) ?? this.addresses?.[0] ?? null;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** Ask for addresses and cards, unless they are known. */
  async load({ again = false } = {}) {
    if (!this.me || (!again && this.addresses && this.cards)) return;
    const [addresses, cards] = await Promise.all([call("account/addresses"), call("cards")]);
    this.addresses = addresses;
    this.cards = cards;
    this.changed();
  }

  /** @param {Me} me */
  #entered(me) {
    this.me = me;
    this.addresses = this.cards = null;
    this.dispatchEvent(new Event("entered"));
    this.changed();
  }

  /** @param {{email: string, password: string}} body */
  async signIn(body) {
    this.#entered(await call("account/sign-in", { method: "POST", body }));
  }

  /** @param {{email: string, name: string, password: string}} body */
  async signUp(body) {
    this.#entered(await call("account/sign-up", { method: "POST", body }));
  }

  async signOut() {
    await call("account/sign-out", { method: "POST" });
    this.me = this.addresses = this.cards = null;
    this.dispatchEvent(new Event("left"));
    this.changed();
  }

  /** @param {string} name */
  async rename(name) {
    this.me = await call("account/me", { method: "PATCH", body: { name } });
    this.changed();
  }

  /** @param {Partial<Address>} address With an id: change that one. */
  async saveAddress(address) {
    const path = address.id ? `account/addresses/${address.id}` : "account/addresses";
    await call(path, { method: address.id ? "PUT" : "POST", body: { ...address, id: undefined } });
    this.addresses = await call("account/addresses");
    this.changed();
  }

  /** @param {string} id */
  async removeAddress(id) {
    await call(`account/addresses/${id}`, { method: "DELETE" });
    this.addresses = await call("account/addresses");
    this.changed();
  }

  /** @param {string} setupIntent Id of the form that was filled in. */
  async addCard(setupIntent) {
    this.cards = await call("cards", { method: "POST", body: { setup_intent: setupIntent } });
    this.changed();
  }

  /** @param {string} id */
  async makeDefault(id) {
    this.cards = await call(`cards/${id}/default`, { method: "POST" });
    this.changed();
  }

  /** @param {string} id */
  async removeCard(id) {
    await call(`cards/${id}`, { method: "DELETE" });
    this.cards = await call("cards");
    this.changed();
  }
}
