/** The people of a show: moderators and what they may do, and who is muted or banned. */

import { h, say } from "../../commerce/dom.js";
import { because, timeLeft } from "../rules.js";
import { heading, Listing, small } from "./listing.js";
import { press, sentence, tell } from "./words.js";

/**
 * @typedef {{id: string, name: string}} Person
 * @typedef {{user: Person, rights: string[]}} Moderator
 * @typedef {{id: string, user: Person, kind: "mute" | "ban", until: string | null, rule: string, reason: string,
 *   by: Person, active: boolean}} Restraint
 * @typedef {{order: import("../order.js").Order, now: () => number}} Parts
 */

/** @type {[string, string][]} */
const RIGHTS = [
  ["remove", "Remove lines"],
  ["review", "Review held lines"],
  ["mute", "Mute"],
  ["ban", "Ban"],
  ["pin", "Pin comments"],
  ["questions", "Mark answered"],
  ["pace", "Slow mode"],
];
const USUAL = ["remove", "review", "mute", "pin", "questions"];

/** @param {Parts} parts */
export function drawPeople(parts) {
  const moderators = drawModerators(parts);
  const restrained = drawRestrained(parts);
  return {
    element: h("div", { class: "cr-review" }, ...moderators.elements, ...restrained.elements),
    stir: () => [moderators, restrained].forEach((one) => one.list.stir()),
    refresh: () => Promise.all([moderators.list.refresh(), restrained.list.refresh()]),
  };
}

/** @param {Parts} parts */
function drawModerators({ order }) {
  const title = heading("Moderators");
  /** @type {Listing<Moderator>} */
  const list = new Listing({
    label: "Moderators",
    empty: "Nobody helps you yet. Moderators see a menu on every line of the shoppers' page.",
    read: async () => {
      const { moderators } = await order.read("moderators");
      title.set(moderators.length);
      return moderators;
    },
    keyOf: (one) => one.user.id,
    make,
    update,
  });

  /** @param {Moderator} one */
  function make(one) {
    const boxes = RIGHTS.map(([value, text]) =>
      h("label", { class: "cr-right" }, h("input", { type: "checkbox", value, on: { change: (/** @type {Event} */ event) => change(one, /** @type {HTMLInputElement} */ (event.target)) } }), h("span", {}, text)),
    );
    const dismiss = small("Take the rights away", () => press(dismiss, async () => {
      await order.dismiss(one.user.id);
      list.drop(one.user.id);
      title.set(list.rows.length);
    }));
    return h("li", { class: "cr-case" },
      h("p", { class: "cr-case__who" }, h("strong", {}, one.user.name)),
      h("fieldset", { class: "cr-rights" }, h("legend", { class: "visually-hidden" }, `What ${one.user.name} may do`), ...boxes),
      h("div", { class: "cr-case__acts" }, dismiss));
  }

  /** @param {HTMLElement} row @param {Moderator} one */
  function update(row, one) {
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (row.querySelectorAll("input"))) box.checked = one.rights.includes(box.value);
  }

  /** @param {Moderator} one @param {HTMLInputElement} box */
  async function change(one, box) {
    const row = /** @type {HTMLElement} */ (box.closest("li"));
    const rights = [.../** @type {NodeListOf<HTMLInputElement>} */ (row.querySelectorAll("input:checked"))].map((each) => each.value);
    try {
      if (!rights.length) throw Object.assign(new Error("A moderator has one right at least. Take the rights away instead."), { code: "LAST_RIGHT" });
      await order.trust(one.user.id, rights);
      list.rows = list.rows.map((each) => (each.user.id === one.user.id ? { ...each, rights } : each));
    } catch (error) {
      tell(sentence(error));
    }
    list.draw();
  }

  const email = h("input", { class: "field__input", type: "email", id: "mod-email", autocomplete: "off", placeholder: "name@example.com", required: true });
  const wrong = h("p", { class: "form__wrong", role: "alert", hidden: true });
  const add = h("button", { class: "button button--main", type: "submit" }, "Add");
  const form = h("form", { class: "cr-addform", novalidate: true, on: { submit: (/** @type {Event} */ event) => {
    event.preventDefault();
    wrong.hidden = true;
    if (!email.value.trim()) return email.focus();
    void press(add, async () => {
      await order.appoint(email.value.trim(), USUAL);
      email.value = "";
      await list.refresh();
    }, (error) => {
      say(wrong, error.code === "NOT_FOUND" ? "Nobody has an account with this address." : sentence(error));
      wrong.hidden = false;
    });
  } } },
    h("label", { class: "field__label", for: "mod-email" }, "Add a moderator by e-mail address"),
    h("div", { class: "cr-addform__row" }, email, add), wrong);
  return { list, elements: [title.element, list.element, form] };
}

/** @param {Parts} parts */
function drawRestrained({ order, now }) {
  const title = heading("Muted and banned");
  /** @type {Listing<Restraint>} */
  const list = new Listing({
    label: "Muted and banned",
    empty: "Nobody is muted or banned.",
    read: async () => {
      const { results } = await order.read("restraints", "?lifted=false&page_size=200");
      const active = results.filter((/** @type {Restraint} */ one) => one.active);
      title.set(active.length);
      return active;
    },
    keyOf: (one) => one.id,
    make: (one) => {
      const lift = small("Lift", () => press(lift, async () => {
        await order.pardon(one.user.id, one.kind);
        list.drop(one.id);
        title.set(list.rows.length);
        tell(`${one.user.name} may ${one.kind === "mute" ? "write" : "come in"} again.`, "good");
      }));
      lift.setAttribute("aria-label", `Lift the ${one.kind} of ${one.user.name}`);
      return h("li", { class: "cr-case cr-case--row" },
        h("div", {}, h("p", { class: "cr-case__who" }, h("strong", {}, one.user.name), " ", h("span", { class: "cr-until" })),
          h("p", { class: "cr-case__why" }, `${because(one)} · by ${one.by.name}`)),
        lift);
    },
    update: (row, one) => {
      const until = one.until ? ` for ${timeLeft(Date.parse(one.until) - now())}` : " for the show";
      say(/** @type {Element} */ (row.querySelector(".cr-until")), `${one.kind === "mute" ? "muted" : "banned"}${until}`);
    },
  });
  return { list, elements: [title.element, list.element] };
}
