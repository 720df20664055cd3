/** The chat in the control room: every line can be taken down, and the host can answer. */

import { uuid } from "../../commerce/api.js";
import { h, icon, keyed } from "../../commerce/dom.js";
import { press, sentence, tell } from "./words.js";

/**
 * @typedef {import("../show.js").ChatLine} ChatLine
 * @typedef {import("../show.js").Show} Show
 */

const LONGEST = 200;

/**
 * @param {HTMLElement} place
 * @param {{show: Show, desk: import("./desk.js").Desk, seen: () => boolean}} parts `seen`: is the chat on the screen?
 */
export function drawTalk(place, { show, desk, seen }) {
  const list = h("ol", { class: "cr-lines", role: "log", "aria-label": "Chat", tabindex: "0" });
  const newer = h("button", { class: "button button--small button--ink cr-newer", type: "button", hidden: true, on: { click: () => toEnd() } }, icon("down"), "New lines");
  const quiet = h("p", { class: "nothing" }, "Nobody has written yet.");
  const unread = /** @type {HTMLElement} */ (document.getElementById("unread"));
  place.replaceChildren(quiet, list, newer);
  let atEnd = true;
  /** When the newest line was said; nothing before is new to the host. */
  let newest = show.chat.at(-1)?.at ?? 0;

  function toEnd() {
    list.scrollTop = list.scrollHeight;
    newer.hidden = true;
  }
  list.addEventListener("scroll", () => {
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    if (atEnd) newer.hidden = true;
  }, { passive: true });
  new ResizeObserver(() => { if (atEnd) toEnd(); }).observe(list);

  /** @param {ChatLine} line */
  function make(line) {
    const remove = h("button", {
      class: "cr-line__remove", type: "button", "aria-label": `Remove what ${line.user.name} wrote`, title: "Remove",
      on: { click: () => press(remove, () => desk.removeLine(line.id)) },
    }, icon("close"));
    return h("li", { class: `cr-line${line.user.role === "host" ? " cr-line--host" : ""}` },
      h("p", { class: "cr-line__text" }, h("strong", {}, line.user.name), " ", line.text), remove);
  }

  show.watch(["chat"], () => {
    keyed(list, show.chat, (line) => line.id, make, () => {});
    quiet.hidden = show.chat.length > 0;
    const last = show.chat.at(-1)?.at ?? 0;
    const grown = last > newest;
    newest = Math.max(newest, last);
    if (atEnd) toEnd();
    else if (grown) newer.hidden = false;
    if (grown && !seen()) unread.hidden = false;
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
 * @param {HTMLSelectElement} select
 * @param {{show: Show, desk: import("./desk.js").Desk}} parts
 */
export function drawPace(select, { show, desk }) {
  show.watch(["slow"], () => {
    const value = String(show.slowSeconds);
    if (![...select.options].some((one) => one.value === value)) select.append(new Option(`${value} s`, value));
    select.value = value;
  });
  select.addEventListener("change", async () => {
    const before = String(show.slowSeconds);
    try {
      await desk.pace(Number(select.value));
    } catch (error) {
      select.value = before;
      tell(sentence(error));
    }
  });
}
