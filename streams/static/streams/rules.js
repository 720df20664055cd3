/** The rules of the chat in words. */

/** Why a line is held, or was taken down. @type {Record<string, string>} */
const WORDS = {
  words: "a word that is looked at first",
  host_words: "a word that the host wants to see first",
  links: "a link",
  card: "what looks like a card number",
  contact: "a phone number, an address or an account",
  flood: "the same text again and again",
  unchecked: "it could not be checked",
  abuse: "insults, threats or hate",
  spam: "advertising or repetition",
  scam: "an attempt to cheat",
  sexual: "sexual content",
  personal: "somebody's personal data",
  other: "something else",
};

/** What people decide by, and report by. @type {[string, string][]} */
export const CHOICES = [
  ["spam", "Spam or advertising"],
  ["abuse", "Insults or hate"],
  ["scam", "A scam"],
  ["sexual", "Sexual content"],
  ["personal", "Personal data"],
  ["other", "Something else"],
];

/** @param {string} rule */
export function inWords(rule) {
  return WORDS[rule] ?? rule;
}

/** The rule, and the reason where somebody gave one. @param {{rule: string, reason: string}} decision */
export function because({ rule, reason }) {
  if (rule === "other") return reason;
  return reason ? `${inWords(rule)} (${reason})` : inWords(rule);
}

/** A time until something ends. @param {number} ms */
export function timeLeft(ms) {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  return `${Math.ceil(minutes / 60)} h`;
}
