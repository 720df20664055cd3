/** The list of shows: start times in the visitor's own zone. */

const format = new Intl.DateTimeFormat(document.documentElement.lang, {
  weekday: "short",
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
});

for (const time of document.querySelectorAll("time[data-time]")) {
  time.textContent = format.format(new Date(/** @type {HTMLTimeElement} */ (time).dateTime));
}
