/** What the host is told when something is refused or goes wrong, and how a button waits for its answer. */

import { h, icon } from "../../commerce/dom.js";

/** @type {Record<string, string>} */
const SENTENCES = {
  NO_ANSWER: "No answer came. Check your connection; what you pressed may still have happened.",
  UNAUTHENTICATED: "You were signed out. Reload the page and sign in again.",
  INTERNAL: "Something went wrong on our side. Try again in a moment.",
  UNAVAILABLE: "The shop is very busy just now. Nothing was changed; try again in a moment.",
  RATE_LIMITED: "That was a bit fast. Wait a moment and try again.",
};

/** @param {any} error A Refused, NoAnswer or programming error. */
export function sentence(error) {
  if (!error?.code) return "Something went wrong on this page. Reload it and try again.";
  return SENTENCES[error.code] ?? error.message;
}

const STAYS_MS = 9000;

/**
 * Show a problem, or good news, at the top; it goes by itself or when it is closed.
 * @param {string} text
 * @param {"bad" | "good"} [kind]
 */
export function tell(text, kind = "bad") {
  const place = /** @type {HTMLElement} */ (document.getElementById("alerts"));
  for (const old of place.children) if (old.firstChild?.textContent === text) old.remove();
  const line = h("div", { class: `cr-alert cr-alert--${kind}` }, h("p", {}, text),
    h("button", { class: "cr-alert__close", type: "button", "aria-label": "Close", on: { click: () => line.remove() } }, icon("close")));
  place.append(line);
  while (place.childElementCount > 3) place.firstElementChild?.remove();
  setTimeout(() => line.remove(), STAYS_MS);
}

/**
 * Run what a button asks for: the button waits, a refusal is told. Returns whether it was done.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<any>} run
 * @param {(error: any) => void} [refused] Instead of telling it at the top.
 */
export async function press(button, run, refused) {
  if (button.getAttribute("aria-busy") === "true") return false;
  button.setAttribute("aria-busy", "true");
  try {
    await run();
    return true;
  } catch (/** @type {any} */ error) {
    if (!error?.code) console.error(error);
    if (refused) refused(error);
    else tell(sentence(error));
    return false;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/**
 * Ask before something that cannot be taken back.
 * @param {{title: string, text: string, yes: string, danger?: boolean}} question
 * @returns {Promise<boolean>}
 */
export function ask({ title, text, yes, danger = false }) {
  return new Promise((resolve) => {
    const confirm = h("button", { class: `button button--wide ${danger ? "button--ink" : "button--main"}`, type: "submit", value: "yes" }, yes);
    const dialog = h("dialog", { class: "sheet cr-ask", "aria-labelledby": "ask-title" },
      h("form", { method: "dialog", class: "cr-ask__form" },
        h("h2", { class: "sheet__title", id: "ask-title" }, title),
        h("p", {}, text),
        confirm,
        h("button", { class: "button button--wide button--quiet", type: "submit", value: "no" }, "Not now")));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    confirm.focus();
  });
}
