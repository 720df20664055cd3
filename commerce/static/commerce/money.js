/** Money on the page: integer minor units with a currency, as the server sends it. */

/** @typedef {{amount: number, currency: string}} Money */

const locale = document.documentElement.lang || "en-GB";

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {string} currency */
function formatOf(currency) {
  let format = formats.get(currency);
  if (!format) {
    format = new Intl.NumberFormat(locale, { style: "currency", currency });
    formats.set(currency, format);
  }
  return { format, digits: format.resolvedOptions().maximumFractionDigits ?? 2 };
}

/**
 * Say an amount of money, such as "€19.99".
 * @param {Money} money
 */
export function show(money) {
  const { format, digits } = formatOf(money.currency);
  return format.format(money.amount / 10 ** digits);
}

/**
 * What an amount that is paid must be a multiple of, in minor units: 10 where there are three decimals.
 * @param {string} currency
 */
export function step(currency) {
  return formatOf(currency).digits === 3 ? 10 : 1;
}

/**
 * @param {Money} money
 * @param {number} quantity
 * @returns {Money}
 */
export function times(money, quantity) {
  return { amount: money.amount * quantity, currency: money.currency };
}

/**
 * Add amounts of one currency.
 * @param {Money[]} amounts
 * @returns {Money}
 */
export function sum(amounts) {
  return { amount: amounts.reduce((all, one) => all + one.amount, 0), currency: amounts[0].currency };
}
