/** The chat: last lines fading at the top, and the field to say something. */

import { uuid } from "../commerce/api.js";
import { h, icon, keyed, say } from "../commerce/dom.js";
import { sentence } from "../commerce/sentences.js";

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {import("./show.js").ChatLine} ChatLine
 */

const LONGEST = 200;

/** @type {Record<string, string>} */
const ROLES = { host: "Host", moderator: "Mod", mod: "Mod", merchant: "Shop" };

/** @param {ChatLine} line */
function makeLine(line) {
  const role = ROLES[line.user.role];
  return h(
    "div",
    { class: `chat__line${role ? " chat__line--role" : ""}` },
    h("span", { class: "chat__name" }, line.user.name),
    role && h("span", { class: "chat__role" }, role),
    " ",
    h("span", { class: "chat__text" }, line.text),
  );
}

/**
 * @param {HTMLElement} place
 * @param {Show} show
 */
export function drawChat(place, show) {
  const list = h("div", { class: "chat__lines", role: "log", "aria-label": "Chat", tabindex: "0" });
  const newer = h(
    "button",
    { class: "chat__newer", type: "button", hidden: true, on: { click: () => toEnd() } },
    icon("down"),
    "New messages",
  );
  const quiet = h("p", { class: "chat__quiet" });
  place.replaceChildren(quiet, list, newer);
  let atEnd = true;

  function toEnd() {
    list.scrollTop = list.scrollHeight;
    newer.hidden = true;
  }
  list.addEventListener(
    "scroll",
    () => {
      atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
      if (atEnd) newer.hidden = true;
    },
    { passive: true },
  );
  // Another height (keyboard, turned phone, pinned card) must not leave the newest line out of sight.
  new ResizeObserver(() => {
    if (atEnd) toEnd();
  }).observe(list);

  show.watch(["stream"], () => {
    say(
      quiet,
      show.stream?.status === "ended" ? "The chat is closed." : "Say hello, nobody has written yet.",
    );
  });
  show.watch(["chat"], () => {
    const before = list.childElementCount;
    keyed(
      list,
      show.chat,
      (line) => line.id,
      makeLine,
      () => {},
    );
    quiet.hidden = show.chat.length > 0;
    if (atEnd) toEnd();
    else newer.hidden = list.childElementCount <= before;
  });
}

/**
 * The field to write in.
 * @param {HTMLFormElement} form
 * @param {{show: Show, room: import("./room.js").Room, session: import("../commerce/session.js").Session,
 *   signIn: (why: string) => Promise<boolean>}} parts
 */
export function drawCompose(form, { show, room, session, signIn }) {
  const input = h("input", {
    class: "compose__input",
    type: "text",
    name: "text",
    maxlength: LONGEST,
    autocomplete: "off",
    enterkeyhint: "send",
    "aria-label": "Your message",
    "aria-describedby": "compose-note",
  });
  const send = h("button", { class: "compose__send", type: "submit", "aria-label": "Send" }, icon("send"));
  const note = h("p", { class: "compose__note", id: "compose-note", role: "status" });
  form.replaceChildren(note, h("div", { class: "compose__field" }, input, send));

  /** @type {number | undefined} */
  let later;
  /** The key of a message that got no answer, so that sending it again says nothing twice. @type {{text: string, key: string} | null} */
  let unanswered = null;

  /** @param {string} text @param {number} [ms] */
  function tell(text, ms = 4000) {
    say(note, text);
    clearTimeout(later);
    if (text) later = setTimeout(() => say(note, ""), ms);
  }

  function refresh() {
    const closed = show.stream !== null && ["ended", "cancelled"].includes(show.stream.status);
    form.hidden = closed;
    input.placeholder = !session.me
      ? "Sign in to chat"
      : show.slowSeconds
        ? `Chat (slow mode, ${show.slowSeconds} s)`
        : "Say something…";
    input.readOnly = !session.me;
  }
  show.watch(["stream", "slow"], refresh);
  session.addEventListener("change", refresh);

  input.addEventListener("pointerdown", (event) => {
    if (session.me) return;
    event.preventDefault();
    void join();
  });
  async function join() {
    if (await signIn("Sign in to join the chat.")) input.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!session.me) return join();
    const text = input.value.replace(/\s+/g, " ").trim();
    if (!text || send.disabled) return;
    const key = unanswered?.text === text ? unanswered.key : uuid();
    unanswered = { text, key };
    send.disabled = true;
    try {
      await room.command("chat.send", { text }, { key });
      unanswered = null;
      if (input.value.replace(/\s+/g, " ").trim() === text) input.value = "";
      tell("");
    } catch (/** @type {any} */ error) {
      if (error.code !== "NO_ANSWER") unanswered = null;
      tell(refusal(error));
    } finally {
      send.disabled = false;
    }
  });
}

/** @param {any} error */
function refusal(error) {
  if (error.code === "NO_ANSWER") return "Not sent. Check your connection and try again.";
  if (error.code === "SLOW_MODE" && error.retryMs)
    return `Slow mode: you can write again in ${Math.ceil(error.retryMs / 1000)} s.`;
  return sentence(error);
}
