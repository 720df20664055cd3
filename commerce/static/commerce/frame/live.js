/**
 * Keeps a page that shows something under way up to date without loading it anew: the page is asked for again
 * and its parts marked `data-live` take the place of those that are shown. A part with a `data-key` is replaced
 * only when the key differs, so that a button is not taken away under a finger.
 */

const EVERY_MS = 1000;
const SLOWEST_MS = 15_000;

/** @param {Document} told */
function take(told) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-live]"))) {
    const name = CSS.escape(part.dataset.live ?? "");
    const fresh = /** @type {HTMLElement | null} */ (told.querySelector(`[data-live="${name}"]`));
    if (!fresh) continue;
    const same = part.dataset.key === undefined
      ? part.innerHTML === fresh.innerHTML
      : part.dataset.key === fresh.dataset.key;
    if (same) continue;
    part.dataset.key = fresh.dataset.key;
    if (fresh.dataset.key === undefined) delete part.dataset.key;
    part.replaceChildren(...fresh.childNodes);
  }
  document.dispatchEvent(new CustomEvent("desk:refreshed"));
}

async function follow() {
  const lost = document.querySelector("[data-lost]");
  let wait = EVERY_MS;
  for (;;) {
    await new Promise((resume) => { setTimeout(resume, wait); });
    if (document.hidden) continue;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected || answer.status === 403) { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const told = new DOMParser().parseFromString(await answer.text(), "text/html");
      // Asked before its parts move into this page.
      const goesOn = told.querySelector("[data-follow]") !== null;
      take(told);
      if (lost instanceof HTMLElement) lost.hidden = true;
      wait = EVERY_MS;
      if (!goesOn) return;
    } catch {
      if (lost instanceof HTMLElement) lost.hidden = false;
      wait = Math.min(wait * 2, SLOWEST_MS);
    }
  }
}

if (document.querySelector("[data-follow]")) follow();
