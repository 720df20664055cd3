/** The chat in the control room: lines with what can be done about them, the host's answers, and the chat's rules. */

import { uuid } from "../../commerce/api.js";
import { h, icon } from "../../commerce/dom.js";
import { drawChat } from "../chat.js";
import { openLineMenu } from "../linemenu.js";
import { press, sentence, tell } from "./words.js";

/**
 * @typedef {import("../show.js").Show} Show
 * @typedef {import("../order.js").Order} Order
 */

const LONGEST = 200;

/**
 * @param {HTMLElement} place
 * @param {{show: Show, order: Order, seen: () => boolean}} parts `seen`: is the chat on the screen?
 */
export function drawTalk(place, { show, order, seen }) {
  const unread = /** @type {HTMLElement} */ (document.getElementById("unread"));
  drawChat(place, {
    show,
    press: (line) => openLineMenu(line, { show, order, sentence, told: (text) => tell(text, "good") }),
    unpin: () => order.unpin().catch((error) => tell(sentence(error))),
    appeal: () => {},
    grown: () => {
      if (!seen()) unread.hidden = false;
    },
  });
}

/**
 * @param {HTMLFormElement} form
 * @param {{show: Show, room: import("../room.js").Room}} parts
 */
export function drawSay(form, { show, room }) {
  const input = h("input", { class: "field__input", type: "text", maxlength: LONGEST, autocomplete: "off", enterkeyhint: "send", placeholder: "Answer as the host", "aria-label": "Your message" });
  const send = h("button", { class: "button button--main cr-say__send", type: "submit", "aria-label": "Send" }, icon("send"));
  form.replaceChildren(input, send);
  /** The key of a line that got no answer, so that sending it again says nothing twice. @type {{text: string, key: string} | null} */
  let unanswered = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.replace(/\s+/g, " ").trim();
    if (!text) return;
    const key = unanswered?.text === text ? unanswered.key : uuid();
    unanswered = { text, key };
    await press(send, async () => {
      await room.command("chat.send", { text }, { key });
      unanswered = null;
      if (input.value.replace(/\s+/g, " ").trim() === text) input.value = "";
    }, (error) => {
      if (error.code !== "NO_ANSWER") unanswered = null;
      tell(sentence(error));
    });
  });
  show.watch(["stream"], () => {
    form.hidden = show.stream !== null && ["ended", "cancelled"].includes(show.stream.status);
  });
}

/**
 * Slow mode, and whether only followers may chat.
 * @param {HTMLSelectElement} pace
 * @param {HTMLInputElement} followers
 * @param {{show: Show, order: Order}} parts
 */
export function drawMode(pace, followers, { show, order }) {
  function draw() {
    const value = String(show.slowSeconds);
    if (![...pace.options].some((one) => one.value === value)) pace.append(new Option(`${value} s`, value));
    pace.value = value;
    followers.checked = show.followersOnly;
  }
  show.watch(["mode"], draw);
  /** @param {{slow_s?: number, followers_only?: boolean}} mode */
  async function change(mode) {
    try {
      show.apply("chat.mode", await order.mode(mode));
    } catch (error) {
      draw();
      tell(sentence(error));
    }
  }
  pace.addEventListener("change", () => change({ slow_s: Number(pace.value) }));
  followers.addEventListener("change", () => change({ followers_only: followers.checked }));
}
