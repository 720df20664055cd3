/** One timer for everything that counts down, by the server's clock. */

/** @type {Set<() => void>} */
const ticking = new Set();

setInterval(() => {
  for (const run of ticking) run();
}, 250);

/**
 * Run now and four times a second.
 * @param {() => void} run
 * @returns {() => void} How to stop.
 */
export function everyTick(run) {
  ticking.add(run);
  run();
  return () => ticking.delete(run);
}

/**
 * A time left as a clock shows it: 0:42, 12:05, 1:02:09; the last started second still counts.
 * @param {number} ms
 */
export function countdown(ms) {
  const all = Math.max(0, Math.ceil(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor((all % 3600) / 60), all % 60];
  const tail = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(seconds).padStart(2, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
}

/**
 * A longer wait in words: 3 days, 5 hours.
 * @param {number} ms
 */
export function inWords(ms) {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const parts = days ? [many(days, "day"), many(hours, "hour")] : [many(hours, "hour"), many(rest, "minute")];
  return parts.filter(Boolean).join(", ");
}

/** So many of something; nothing where there is none. @param {number} n @param {string} word */
export function many(n, word) {
  return n ? `${n} ${word}${n === 1 ? "" : "s"}` : "";
}

/** The day of a moment, in words. @param {number} ms */
export function dayOf(ms) {
  return new Date(ms).toLocaleDateString(undefined, { day: "numeric", month: "long", year: "numeric" });
}

/** The day and the month, where there is little room. @param {number} ms */
export function shortDay(ms) {
  return new Date(ms).toLocaleDateString(undefined, { day: "numeric", month: "short" });
}
