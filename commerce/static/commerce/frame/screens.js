/** What hosts' and merchants' screens need: moments in the reader's own time, her clock in the form, a question before harm. */

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
  full: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  time: { hour: "2-digit", minute: "2-digit" },
};

function writeMoments() {
  for (const time of document.querySelectorAll("time[data-moment]")) {
    const style = /** @type {HTMLElement} */ (time).dataset.moment ?? "full";
    const at = new Date(/** @type {HTMLTimeElement} */ (time).dateTime);
    const years = at.getFullYear() === new Date().getFullYear() ? {} : { year: /** @type {const} */ ("numeric") };
    time.textContent = at.toLocaleString("en-GB", { ...STYLES[style], ...(style === "full" ? years : {}) });
  }
}
writeMoments();
document.addEventListener("desk:refreshed", writeMoments);

// On the document: a form may have come after the page.
document.addEventListener("submit", (event) => {
  const question = event.target instanceof HTMLElement && event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

/**
 * Minutes that the host's clock is ahead of UTC at a moment she wrote down.
 * @param {string} local Such as 2026-05-01T20:00.
 */
function aheadAt(local) {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? 0 : -at.getTimezoneOffset();
}

/** @param {HTMLFormElement} form */
function ownTime(form) {
  const field = /** @type {HTMLInputElement | null} */ (form.querySelector("input[data-utc]"));
  const ahead = /** @type {HTMLInputElement | null} */ (form.querySelector("input[data-ahead]"));
  if (!field || !ahead) return;
  // A form that came back has the host's own time and offset already.
  if (ahead.value === "" && field.value) {
    const at = new Date(`${field.value.slice(0, 16)}Z`);
    field.value = new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }
  const help = form.querySelector('[data-help="starts_at"]');
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone?.replaceAll("_", " ");
  if (help) help.textContent = zone ? `In your time (${zone}).` : "In your time.";
  form.addEventListener("submit", () => { ahead.value = String(aheadAt(field.value)); });
}

for (const form of document.querySelectorAll("form[data-show-form]")) ownTime(/** @type {HTMLFormElement} */ (form));
