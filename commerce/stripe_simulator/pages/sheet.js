// Sends the choice to the simulator and tells the page around the sheet how it went.

const main = document.querySelector("main[data-page]");
const form = main.querySelector("form");
const errorLine = main.querySelector(".error");
const doneLine = main.querySelector(".done");
const { page, secret, intent, kind, back } = main.dataset;

const SAID = {
  succeeded: page === "setup" ? "Card saved." : "Confirmed.",
  failed: "Not confirmed.",
  canceled: "Cancelled.",
};

function tell(status) {
  const message = { source: "yellowcart-simulator", status, intent };
  if (window.parent !== window) window.parent.postMessage(message, "*");
  else if (window.opener) window.opener.postMessage(message, "*");
  else return false;
  return true;
}

function finish(status, message) {
  form.hidden = true;
  doneLine.hidden = false;
  doneLine.classList.toggle("error", status !== "succeeded");
  doneLine.textContent = message || SAID[status] || status;
  if (tell(status) || !back) return;
  const target = new URL(back);
  target.searchParams.set(kind, intent);
  target.searchParams.set(`${kind}_client_secret`, secret);
  target.searchParams.set("redirect_status", status);
  window.location.assign(target);
}

async function send(fields) {
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((button) => (button.disabled = true));
  errorLine.hidden = true;
  try {
    const body = new URLSearchParams({ client_secret: secret, ...fields });
    const response = await fetch(`/sheet/${page}`, { method: "POST", body });
    const answer = await response.json();
    if (answer.next) return window.location.replace(answer.next);
    if (!response.ok) throw new Error(answer.error?.message);
    if (answer.status === "failed" && page === "setup") {
      // Another card may be tried in the same sheet.
      tell("declined");
      throw new Error(answer.message);
    }
    finish(answer.status, answer.message);
  } catch (error) {
    errorLine.textContent = error.message || "The simulator did not answer. Try again.";
    errorLine.hidden = false;
    buttons.forEach((button) => (button.disabled = false));
  }
}

form.addEventListener("change", () => (form.querySelector(".go").disabled = false));
// Somebody may have chosen before this script was there.
if (form.querySelector("input:checked")) form.querySelector(".go").disabled = false;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (page === "setup") send({ card: new FormData(form).get("card") });
  else send({ outcome: event.submitter?.value || "complete" });
});
if (page === "setup") form.querySelector(".cancel").addEventListener("click", () => finish("canceled"));

// Opened again after it was over: say so at once. A declined card may still be replaced by another.
const over = ["succeeded", "canceled"];
if (page === "3ds") over.push("failed", "open");
if (over.includes(main.dataset.status)) finish(main.dataset.status === "open" ? "failed" : main.dataset.status);
