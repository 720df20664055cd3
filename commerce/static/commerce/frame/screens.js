/** What hosts' and merchants' screens need: moments in the reader's own time, her clock in the form, a question before harm. */

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
  full: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  time: { hour: "2-digit", minute: "2-digit" },
};

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone?.replaceAll("_", " ");

function writeMoments() {
  const times = document.querySelectorAll("time[data-moment]");
  const note = document.querySelector("[data-zone]");
  if (note instanceof HTMLElement) {
    note.hidden = times.length === 0;
    note.textContent = `Times are in ${zone ?? "your own time"}`;
  }
  for (const time of times) {
    const style = /** @type {HTMLElement} */ (time).dataset.moment ?? "full";
    const at = new Date(/** @type {HTMLTimeElement} */ (time).dateTime);
    const years = at.getFullYear() === new Date().getFullYear() ? {} : { year: /** @type {const} */ ("numeric") };
    time.textContent = at.toLocaleString("en-GB", { ...STYLES[style], ...(style === "full" ? years : {}) });
    time.title = at.toLocaleString("en-GB", { ...STYLES.full, year: "numeric", timeZoneName: "short" });
  }
}
writeMoments();
document.addEventListener("desk:refreshed", writeMoments);

// On the document: a form may have come after the page.
document.addEventListener("submit", (event) => {
  const question = event.target instanceof HTMLElement && event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});

/** @param {HTMLImageElement} image A picture that cannot be had leaves its place. */
function missing(image) {
  const place = document.createElement("span");
  place.className = image.closest(".dk-album") ? "dk-album__none" : "dk-none";
  image.replaceWith(place);
}
document.addEventListener("error", (event) => {
  const image = event.target;
  if (image instanceof HTMLImageElement && image.hasAttribute("data-may-be-missing")) missing(image);
}, true);
for (const image of /** @type {NodeListOf<HTMLImageElement>} */ (document.querySelectorAll("img[data-may-be-missing]"))) {
  if (image.complete && image.src && !image.naturalWidth) missing(image);
}

/**
 * Minutes that the host's clock is ahead of UTC at a moment she wrote down.
 * @param {string} local Such as 2026-05-01T20:00.
 */
function aheadAt(local) {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? 0 : -at.getTimezoneOffset();
}

/**
 * @param {HTMLInputElement} field
 * @param {HTMLInputElement} ahead
 */
function ownTime(field, ahead) {
  // A form that came back has the host's own time and offset already.
  if (ahead.value === "" && field.value) {
    const at = new Date(`${field.value.slice(0, 16)}Z`);
    field.value = new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }
  const help = field.form?.querySelector(`[data-help="${CSS.escape(field.name)}"]`);
  if (help) help.textContent = (help.textContent ?? "").replace("In UTC", zone ? `In your time (${zone})` : "In your time");
  field.form?.addEventListener("submit", () => { ahead.value = field.value ? String(aheadAt(field.value)) : ""; });
}

for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[data-own-time], form[data-show-form] input[data-utc]"))) {
  const ahead = field.hasAttribute("data-own-time") ? field.nextElementSibling : field.form?.querySelector("input[data-ahead]");
  if (ahead instanceof HTMLInputElement) ownTime(field, ahead);
}
