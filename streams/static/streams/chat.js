/** The chat: what is said, above it the comment that stays, and among it what only the viewer sees of her own. */

import { fill, h, icon, keyed, say } from "../commerce/dom.js";
import { because, inWords } from "./rules.js";

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {import("./lines.js").Line} Line
 * @typedef {import("./own.js").Decided} Decided
 * @typedef {{show: Show, press: (line: Line) => void, unpin: () => void, appeal: (what: Decided) => void,
 *   grown?: () => void}} Parts `press`: a line was chosen; `grown`: there is a new one.
 */

const NEAR_END = 32;

/** @type {Record<string, string>} */
const ROLES = { host: "Host", mod: "Mod" };

/** @param {Line} line @param {Show} show */
function lineParts(line, show) {
  const role = ROLES[line.user.role];
  return [
    h("span", { class: "chat__name" }, line.user.name),
    " ",
    role && h("span", { class: `chat__role chat__role--${line.user.role}` }, role),
    role && " ",
    line.question && askedOf(line.question, show),
    h("span", { class: "chat__text" }, line.text),
  ];
}

/** @param {import("./lines.js").Question} question @param {Show} show */
function askedOf(question, show) {
  const item = show.items.find((one) => one.id === question.item);
  const done = question.answered_at !== null;
  return h(
    "span",
    { class: `chat__asks${done ? " chat__asks--done" : ""}` },
    done ? icon("check") : null,
    done ? "Answered" : "Question",
    item ? ` · ${item.product.title}` : "",
  );
}

/** @param {Decided} own @param {(what: Decided) => void} appeal */
function ownParts(own, appeal) {
  const held = own.action === "held";
  const by = own.by === "filter" ? "" : own.by === "host" ? " by the host" : " by a moderator";
  const why = because(own);
  const after =
    own.appeal === "open"
      ? "Your appeal is being looked at."
      : own.appeal === "upheld"
        ? `Your appeal was turned down.${own.answer ? ` ${own.answer}` : ""}`
        : "";
  return [
    h("span", { class: "chat__text" }, own.text),
    h(
      "span",
      { class: "chat__verdict" },
      icon(held ? "clock" : "alert"),
      h(
        "span",
        {},
        held ? "Held for review, only you see it: " : `Removed${by}: `,
        held ? inWords(own.rule) : why,
        after && h("span", { class: "chat__after" }, ` ${after}`),
      ),
      own.appealable &&
        !own.appeal &&
        h("button", { class: "chat__appeal", type: "button", on: { click: () => appeal(own) } }, "Appeal"),
    ),
  ];
}

/**
 * @param {HTMLElement} place
 * @param {Parts} parts
 */
export function drawChat(place, { show, press, unpin, appeal, grown = () => {} }) {
  const list = h("div", { class: "chat__lines", role: "log", "aria-label": "Chat", tabindex: "0" });
  const newer = h(
    "button",
    { class: "chat__newer", type: "button", hidden: true, on: { click: () => toEnd() } },
    icon("down"),
    "New messages",
  );
  const quiet = h("p", { class: "chat__quiet" });
  const pinned = h("div", { class: "chat__pinned", hidden: true });
  place.replaceChildren(pinned, quiet, list, newer);
  let atEnd = true;
  let top = 0;
  /** When the newest line was said; nothing before is new. */
  let newest = show.chat.all.at(-1)?.at ?? 0;
  /** What each row shows. @type {WeakMap<HTMLElement, Line | Decided>} */
  const drawn = new WeakMap();

  function toEnd() {
    list.scrollTop = list.scrollHeight;
    newer.hidden = true;
  }
  list.addEventListener(
    "scroll",
    () => {
      // Only who moves up leaves the end; another height of the list moves nobody.
      if (list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END) atEnd = true;
      else if (list.scrollTop < top) atEnd = false;
      top = list.scrollTop;
      if (atEnd) newer.hidden = true;
    },
    { passive: true },
  );
  // Another height (keyboard, turned phone, pinned card) must not leave the newest line out of sight.
  new ResizeObserver(() => {
    if (atEnd) toEnd();
  }).observe(list);

  /** @param {Event} event */
  const rowOf = (event) => /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest(".chat__line"));
  /** @param {HTMLElement | null} row */
  function choose(row) {
    const line = show.chat.get(row?.dataset.key ?? "");
    if (line) press(line);
  }
  list.addEventListener("click", (event) => {
    // Who marks text to copy it has not chosen the line.
    if (!/** @type {Element} */ (event.target).closest("button") && getSelection()?.isCollapsed !== false)
      choose(rowOf(event));
  });
  list.addEventListener("keydown", (event) => {
    const row = rowOf(event);
    if (event.key === "Enter" && row === event.target) choose(row);
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const next = event.key === "ArrowUp" ? (row ? row.previousElementSibling : list.lastElementChild) : row?.nextElementSibling;
    if (next) {
      event.preventDefault();
      /** @type {HTMLElement} */ (next).focus();
    }
  });

  /** @param {Line | Decided} one */
  const isOwn = (one) => "decision" in one;
  /** @param {Line | Decided} one */
  const when = (one) => (isOwn(one) ? /** @type {Decided} */ (one).said_at : /** @type {Line} */ (one).at);

  /** @param {HTMLElement} row @param {Line | Decided} one */
  function update(row, one) {
    if (drawn.get(row) === one) return;
    drawn.set(row, one);
    const parts = isOwn(one) ? ownParts(/** @type {Decided} */ (one), appeal) : lineParts(/** @type {Line} */ (one), show);
    fill(row, ...parts);
    const role = isOwn(one) ? "own" : /** @type {Line} */ (one).user.role;
    row.className = `chat__line chat__line--${role}${"question" in one && one.question ? " chat__line--asks" : ""}`;
  }

  show.watch(["stream"], () => {
    say(quiet, show.stream?.status === "ended" ? "The chat is closed." : "Say hello, nobody has written yet.");
  });
  show.watch(["chat", "own"], () => {
    /** @type {(Line | Decided)[]} */
    let rows = show.chat.all;
    if (show.own.lines.size) {
      const shown = [...show.own.lines.values()].filter((one) => !show.chat.has(one.id));
      rows = [...rows, ...shown].sort((a, b) => when(a) - when(b));
    }
    keyed(list, rows, (one) => one.id, () => h("div", { tabindex: "-1" }), update);
    quiet.hidden = rows.length > 0;
    const last = rows.length ? when(rows[rows.length - 1]) : 0;
    const more = last > newest;
    newest = Math.max(newest, last);
    if (atEnd) toEnd();
    else if (more) newer.hidden = false;
    if (more) grown();
  });
  show.watch(["line", "own", "items"], () => {
    const line = show.pinnedLine;
    pinned.hidden = !line;
    if (!line) return;
    pinned.replaceChildren(
      icon("pin"),
      h("p", { class: "chat__pinned-text" }, ...lineParts(line, show)),
    );
    if (show.own.rights.has("pin"))
      pinned.append(
        h("button", { class: "chat__unpin", type: "button", "aria-label": "Unpin this comment", on: { click: unpin } }, icon("close")),
      );
  });
}
