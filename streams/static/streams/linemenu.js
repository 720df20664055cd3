/** What can be done about a line: report it, and for those who keep order, everything else. */

import { h, say } from "../commerce/dom.js";
import { busy, field, Sheet } from "../commerce/sheet.js";
import { CHOICES } from "./rules.js";

/**
 * @typedef {import("./lines.js").Line} Line
 * @typedef {{rule: string, reason: string}} Why
 * @typedef {{show: import("./show.js").Show, order: import("./order.js").Order, sentence: (error: any) => string,
 *   report?: (line: Line, category: string, note: string) => Promise<any>, told: (text: string) => void,
 *   only?: string[]}} Parts `told` says that something was done; `only` these may be offered.
 */

const DAY = 86_400;
/** @type {[string, number][]} */
const TIMES = [["5 minutes", 300], ["1 hour", 3600], ["The rest of the show", DAY]];

/**
 * @param {Line} line
 * @param {Parts} parts
 */
export function openLineMenu(line, parts) {
  const { show, order, told } = parts;
  const { who } = show.own;
  const rights = new Set([...show.own.rights].filter((one) => parts.only?.includes(one) ?? true));
  const mine = line.user.id === who?.id;
  const keeps = line.user.role !== "viewer";
  const name = line.user.name;
  const sheet = new Sheet({ title: `${name} wrote`, name: "line" });

  /** @param {string} text @param {() => Promise<any>} run @param {string} done */
  const now = (text, run, done) => {
    const button = act(text, () => attempt(button, sheet, parts, run, done));
    return button;
  };
  const pinned = show.pinnedLine?.id === line.id;
  const answered = (line.question?.answered_at ?? null) !== null;
  const acts = [
    rights.has("questions") && line.question &&
      now(answered ? "Open the question again" : "Mark as answered", async () => {
        const { answered_at } = await order.answer(line.id, !answered);
        show.apply("question.answered", { id: line.id, ...line.question, answered_at: answered_at && Date.parse(answered_at) });
      }, answered ? "The question is open again." : "Marked as answered."),
    rights.has("pin") &&
      (pinned
        ? now("Unpin", async () => { await order.unpin(); show.apply("chat.unpinned", { id: line.id }); }, "Unpinned.")
        : now("Pin above the chat", async () => { await order.pin(line.id); show.apply("chat.pinned", line); }, "Pinned above the chat.")),
    rights.has("remove") &&
      act("Remove", () => ask(sheet, parts, { title: "Remove this line", verb: "Remove", run: async (why) => { await order.remove(line.id, why); show.apply("chat.removed", { id: line.id }); }, done: "Removed. The author is told why." }), true),
    rights.has("mute") && !mine && !keeps &&
      act("Mute", () => ask(sheet, parts, { title: `Mute ${name}`, verb: "Mute", times: TIMES, run: (why, seconds) => order.restrain(line.user.id, "mute", seconds, why), done: `${name} is muted and told why.` }), true),
    rights.has("ban") && !mine && !keeps &&
      act("Ban from the show", () => ask(sheet, parts, { title: `Ban ${name} from this show`, verb: "Ban", run: (why) => order.restrain(line.user.id, "ban", null, why), done: `${name} is banned and told why.` }), true),
    !mine && !rights.has("remove") && parts.report && act("Report", () => ask(sheet, parts, { title: "Report this line", verb: "Report", run: (why) => /** @type {any} */ (parts).report(line, why.rule, why.reason), done: "Thank you. Somebody will look at it." })),
  ].filter((one) => one instanceof Node);
  sheet.show(
    h("blockquote", { class: "quote" }, line.text),
    acts.length ? h("div", { class: "acts" }, ...acts) : h("p", { class: "note" }, "This is your own line."),
  );
  sheet.open();
}

/** @param {string} text @param {() => void} run @param {boolean} [harm] */
function act(text, run, harm = false) {
  return h("button", { class: `acts__one${harm ? " acts__one--harm" : ""}`, type: "button", on: { click: run } }, text);
}

/**
 * Ask why, and for how long; one press is enough unless it is something else.
 * @param {Sheet} sheet
 * @param {Parts} parts
 * @param {{title: string, verb: string, times?: [string, number][], done: string,
 *   run: (why: Why, seconds: number) => Promise<any>}} what
 */
function ask(sheet, parts, { title, verb, times, done, run }) {
  say(sheet.title, title);
  const reason = field({ name: "reason", label: "In your own words", maxlength: 200, autocomplete: "off", hint: "Needed for “Something else”." });
  const rules = h("div", { class: "picks", role: "radiogroup", "aria-label": "Why" }, CHOICES.map(([value, text], at) => pick("rule", value, text, at === 0)));
  const howLong = times && h("div", { class: "picks", role: "radiogroup", "aria-label": "For how long" }, times.map(([text, seconds], at) => pick("seconds", String(seconds), text, at === 0)));
  const button = h("button", { class: "button button--main button--wide", type: "submit" }, verb);
  const form = h(
    "form",
    {
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          const given = new FormData(form);
          const why = { rule: String(given.get("rule")), reason: reason.value.trim() };
          if (why.rule === "other" && !why.reason) {
            reason.complain("Say what it is.");
            reason.input.focus();
            return;
          }
          void attempt(button, sheet, parts, () => run(why, Number(given.get("seconds") ?? 0)), done);
        },
      },
    },
    howLong && h("p", { class: "field__label" }, "For how long"),
    howLong,
    h("p", { class: "field__label" }, "Why"),
    rules,
    reason.element,
    button,
  );
  sheet.show(form);
  /** @type {HTMLElement | null} */ (form.querySelector("input"))?.focus();
}

/** @param {string} name @param {string} value @param {string} text @param {boolean} checked */
function pick(name, value, text, checked) {
  return h("label", { class: "picks__one" }, h("input", { type: "radio", name, value, checked }), h("span", {}, text));
}

/** @param {HTMLButtonElement} button @param {Sheet} sheet @param {Parts} parts @param {() => Promise<any>} run @param {string} done */
function attempt(button, sheet, parts, run, done) {
  return busy(button, async () => {
    try {
      await run();
    } catch (error) {
      const wrong = sheet.foot.querySelector(".form__wrong") ?? h("p", { class: "form__wrong", role: "alert" });
      say(wrong, parts.sentence(error));
      sheet.footer(wrong);
      return;
    }
    sheet.close();
    parts.told(done);
  });
}

/**
 * Appeal against a decision about oneself.
 * @param {{decision: string, text?: string}} what
 * @param {{send: (decision: string, text: string) => Promise<{outcome: "open" | "upheld" | "overturned"}>,
 *   sentence: (error: any) => string, told: (text: string) => void}} parts
 */
export function openAppeal(what, { send, sentence, told }) {
  const sheet = new Sheet({ title: "Appeal", name: "appeal" });
  const text = h("textarea", { class: "field__input appeal__text", id: "appeal-text", rows: 4, maxlength: 500, required: true });
  const wrong = h("p", { class: "field__wrong", role: "alert", hidden: true });
  const button = h("button", { class: "button button--main button--wide", type: "submit" }, "Send the appeal");
  const form = h(
    "form",
    {
      novalidate: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          void busy(button, async () => {
            try {
              if (!text.value.trim()) throw Object.assign(new Error("Say why it was wrong."), { code: "EMPTY" });
              await send(what.decision, text.value.trim());
              sheet.close();
              told("Sent. Somebody else looks at it again.");
            } catch (error) {
              say(wrong, sentence(error));
              wrong.hidden = false;
              text.focus();
            }
          });
        },
      },
    },
    what.text && h("blockquote", { class: "quote" }, what.text),
    h("label", { class: "field__label", for: "appeal-text" }, "Why was this wrong?"),
    text,
    wrong,
    button,
  );
  sheet.show(form).open();
  text.focus();
}
