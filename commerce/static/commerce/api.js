/** Calls to our own HTTP API: session cookie, CSRF token, and refusals as errors with a stable code. */

export class Refused extends Error {
  /**
   * @param {{code: string, message?: string, temporary?: boolean, retry_ms?: number | null,
   *   fields?: Record<string, string>, data?: Record<string, any>}} refusal
   */
  constructor({ code, message = "", temporary = false, retry_ms = null, fields = {}, data = {} }) {
    super(message || code);
    this.name = "Refused";
    this.code = code;
    this.temporary = temporary;
    this.retryMs = retry_ms;
    this.fields = fields;
    this.data = data;
  }
}

/** No answer came: the call may or may not have had its effect. */
export class NoAnswer extends Error {
  constructor(message = "No answer came from the shop.") {
    super(message);
    this.name = "NoAnswer";
    this.code = "NO_ANSWER";
    this.temporary = true;
  }
}

const TIMEOUT_MS = 20_000;

function csrfToken() {
  const found = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
  return found ? decodeURIComponent(found.slice("csrftoken=".length)) : "";
}

/** @param {any} errors Field name to its list of {message}. @returns {Record<string, string>} */
function fieldsOf(errors) {
  /** @type {Record<string, string>} */
  const fields = {};
  if (!errors || typeof errors !== "object" || Array.isArray(errors)) return fields;
  for (const [name, wrong] of Object.entries(errors)) {
    const first = Array.isArray(wrong) ? wrong[0] : wrong;
    if (first) fields[name] = String(first.message ?? first);
  }
  return fields;
}

/**
 * Call the API and return its JSON. Raises Refused for an answer that says no, NoAnswer when there was none.
 * @param {string} path Below /api/v1/.
 * @param {{method?: string, body?: any, key?: string}} [call]
 * @returns {Promise<any>}
 */
export async function call(path, { method = "GET", body, key } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (key) headers["Idempotency-Key"] = key;
  let answer, text;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await answer.text();
  } catch {
    throw new NoAnswer();
  }
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    throw new NoAnswer("The shop gave an answer that cannot be read.");
  }
  if (answer.ok) return data;
  throw new Refused({
    code: data?.code ?? (answer.status >= 500 ? "INTERNAL" : "BAD_REQUEST"),
    message: data?.detail,
    temporary: data?.temporary ?? answer.status >= 500,
    retry_ms: data?.retry_ms,
    fields: fieldsOf(data?.errors),
    data: data?.data,
  });
}

/** A random UUID, also where crypto.randomUUID is missing (plain http on a local network). */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** @param {number} ms @returns {Promise<void>} */
export function wait(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
