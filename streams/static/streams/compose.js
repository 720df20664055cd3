/** The field to say something or to ask, and in words why one may not just now. */

import { uuid } from "../commerce/api.js";
import { h, icon, say } from "../commerce/dom.js";
import { sentence } from "../commerce/sentences.js";
import { everyTick } from "./clock.js";
import { because, timeLeft } from "./rules.js";

const LONGEST = 200;

/**
 * @typedef {{show: import("./show.js").Show, room: import("./room.js").Room, now: () => number,
 *   session: import("../commerce/session.js").Session, signIn: (why: string) => Promise<boolean>,
 *   follow: () => Promise<any>, appeal: (what: {decision: string, text?: string}) => void}} Parts
 */

/**
 * @param {HTMLFormElement} form
 * @param {Parts} parts
 */
export function drawCompose(form, { show, room, now, session, signIn, follow, appeal }) {
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
  const ask = h("button", { class: "compose__ask", type: "button", "aria-label": "Ask a question", "aria-pressed": "false", title: "Ask a question" }, icon("ask"));
  const note = h("p", { class: "compose__note", id: "compose-note", role: "status" });
  const about = h("span", {});
  const asking = h(
    "p",
    { class: "compose__asking", hidden: true },
    icon("ask"),
    about,
    h("button", { class: "compose__drop", type: "button", "aria-label": "No question", on: { click: () => turn(false) } }, icon("close")),
  );
  const boundText = h("span", {});
  const boundButton = h("button", { class: "compose__act", type: "button" });
  const bound = h("p", { class: "compose__bound", hidden: true }, boundText, boundButton);
  form.replaceChildren(note, bound, asking, h("div", { class: "compose__field" }, ask, input, send));
  // On a wide screen the field lies over the end of the chat, which makes room for it.
  new ResizeObserver(() => document.body.style.setProperty("--compose", `${form.offsetHeight}px`)).observe(form);

  /** The product asked about, null for the host at large; undefined while nothing is asked. @type {{id: string, title: string} | null | undefined} */
  let question;
  /** @type {number | undefined} */
  let later;
  /** When the slow mode lets her write again. */
  let again = 0;
  /** The key of a message that got no answer, so that sending it again says nothing twice. @type {{text: string, key: string} | null} */
  let unanswered = null;

  /** @param {string} text @param {number} [ms] */
  function tell(text, ms = 4000) {
    say(note, text);
    clearTimeout(later);
    if (text) later = setTimeout(() => say(note, ""), ms);
  }

  /** @param {boolean} on */
  function turn(on) {
    question = on ? (show.pinnedItem?.product ?? null) : undefined;
    ask.setAttribute("aria-pressed", String(on));
    asking.hidden = !on;
    say(about, question ? `Question about ${question.title}` : "Question to the host");
    refresh();
    input.focus();
  }
  ask.addEventListener("click", async () => {
    if (!session.me && !(await signIn("Sign in to ask."))) return;
    turn(question === undefined);
  });

  /** Why one may not write now: the words, and what can be done about it. @returns {{text: string, act?: [string, () => any]} | null} */
  function binding() {
    const { own } = show;
    const one = own.boundBy(now());
    if (one) {
      const time = one.until === null ? "in this show" : `for ${timeLeft(one.until - now())}`;
      const state = one.kind === "ban" ? `You are banned from this show${one.until === null ? "" : ` ${time}`}` : `You are muted ${time}`;
      const after =
        one.appeal === "open" ? " Your appeal is being looked at." : one.appeal === "upheld" ? ` Your appeal was turned down. ${one.answer ?? ""}` : "";
      return { text: `${state}: ${because(one)}.${after}`, ...(one.appealable && !one.appeal ? { act: ["Appeal", () => appeal({ decision: one.decision })] } : {}) };
    }
    if (show.followersOnly && session.me && own.who?.role === "viewer" && !own.follows)
      return { text: "Only followers can chat now.", act: ["Follow", follow] };
    return null;
  }

  /** @type {() => any} */
  let actNow = () => {};
  boundButton.addEventListener("click", () => actNow());

  function refresh() {
    const closed = show.stream !== null && ["ended", "cancelled"].includes(show.stream.status);
    form.hidden = closed;
    const why = session.me ? binding() : null;
    bound.hidden = !why;
    if (why) {
      say(boundText, why.text);
      boundButton.hidden = !why.act;
      if (why.act) {
        say(boundButton, why.act[0]);
        actNow = why.act[1];
      }
    }
    const wait = Math.ceil((again - Date.now()) / 1000);
    input.disabled = ask.disabled = Boolean(why);
    send.disabled = Boolean(why);
    send.classList.toggle("compose__send--wait", wait > 0);
    send.dataset.wait = wait > 0 ? String(wait) : "";
    const words = !session.me
      ? show.followersOnly
        ? "Sign in; followers can chat"
        : "Sign in to chat"
      : wait > 0
        ? `You can write again in ${wait} s`
        : question !== undefined
          ? "Your question…"
          : show.slowSeconds && show.own.who?.role !== "host"
            ? `Chat (slow mode, ${show.slowSeconds} s)`
            : "Say something…";
    if (input.placeholder !== words) input.placeholder = words;
    input.readOnly = !session.me;
  }
  show.watch(["stream", "mode", "own"], refresh);
  session.addEventListener("change", refresh);
  everyTick(() => {
    if (again || show.own.restraints.length) refresh();
    if (again <= Date.now()) again = 0;
  });

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
    if (!text || send.disabled || send.getAttribute("aria-busy") === "true") return;
    const wait = Math.ceil((again - Date.now()) / 1000);
    if (wait > 0) return tell(`Slow mode: you can write again in ${wait} s.`);
    const key = unanswered?.text === text ? unanswered.key : uuid();
    unanswered = { text, key };
    send.setAttribute("aria-busy", "true");
    try {
      if (question === undefined) await room.command("chat.send", { text }, { key });
      else await room.command("chat.ask", { text, product: question?.id ?? null }, { key });
      unanswered = null;
      if (input.value.replace(/\s+/g, " ").trim() === text) input.value = "";
      if (show.slowSeconds && show.own.who?.role === "viewer") again = Date.now() + show.slowSeconds * 1000;
      if (question !== undefined) turn(false);
      tell("");
    } catch (/** @type {any} */ error) {
      if (error.code !== "NO_ANSWER") unanswered = null;
      if (error.code === "SLOW_MODE" && error.retryMs) again = Date.now() + error.retryMs;
      tell(refusal(error));
    } finally {
      send.removeAttribute("aria-busy");
      refresh();
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
