/** The control room: puts the parts together and joins them to the show's room. */

import { h, say } from "../../commerce/dom.js";
import { countdown, everyTick, inWords } from "../clock.js";
import { Room } from "../room.js";
import { Show } from "../show.js";
import { Desk } from "./desk.js";
import { drawGoods } from "./goods.js";
import { drawConnection } from "./connection.js";
import { drawOffers } from "./offers.js";
import { drawSales } from "./sales.js";
import { drawPace, drawSay, drawTalk } from "./talk.js";
import { ask, press } from "./words.js";

/** @param {string} id */
const place = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const page = JSON.parse(place("page").textContent ?? "{}");
const show = new Show();
show.snapshot(page.snapshot);
const room = new Room(page.socket, { client: "studio/1" });
room.on("snapshot", (d) => show.snapshot(d));
room.on("*", (d, frame) => show.apply(frame.t, d));
const desk = new Desk(page.stream, show);
const now = () => room.now();

/** @type {Record<string, string>} */
const STATUSES = { scheduled: "Planned", live: "Live", ended: "Ended", cancelled: "Cancelled" };

const goLive = h("button", { class: "button button--main cr-go", type: "button", on: { click: askToGoLive } }, "Go live");
const end = h("button", { class: "button cr-end", type: "button", on: { click: askToEnd } }, "End show");
place("act").append(goLive, end);

async function askToGoLive() {
  const count = show.items.length;
  const yes = await ask({
    title: "Go live now?",
    text: count
      ? `Viewers see the show at once, with ${count} product${count === 1 ? "" : "s"} in its showcase.`
      : "The showcase is empty: viewers will have nothing to buy. You can add products while you are live.",
    yes: "Go live",
  });
  if (yes) void press(goLive, () => desk.goLive());
}

async function askToEnd() {
  const running = show.offers.size;
  const yes = await ask({
    title: "End the show?",
    text: `${running ? `${running} running offer${running === 1 ? " ends" : "s end"} with it. ` : ""}A show that has ended cannot be opened again. Purchases that are being paid go on.`,
    yes: "End the show",
    danger: true,
  });
  if (yes) void press(end, () => desk.end());
}

show.watch(["stream"], () => {
  const status = show.stream?.status ?? "scheduled";
  document.body.dataset.status = status;
  say(place("status"), STATUSES[status] ?? status);
  goLive.hidden = status !== "scheduled";
  end.hidden = status !== "live";
});
everyTick(() => {
  const stream = show.stream;
  if (!stream) return;
  const until = stream.starts_at - now();
  if (stream.status === "live" && stream.live_at) say(place("clock"), countdown(now() - stream.live_at));
  else if (stream.status === "scheduled") say(place("clock"), until > 60_000 ? `starts in ${inWords(until).split(", ")[0]}` : "ready to start");
  else say(place("clock"), "");
});
show.watch(["viewers"], () => say(place("viewers"), show.viewers.toLocaleString("en-GB")));

/** @param {string} tab On a narrow screen one part is shown at a time. */
function turnTo(tab) {
  document.body.dataset.tab = tab;
  for (const one of place("tabs").querySelectorAll("button")) {
    if (one.dataset.tab === tab) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
  if (tab === "chat") place("unread").hidden = true;
}
place("tabs").addEventListener("click", (event) => {
  const tab = /** @type {HTMLElement} */ (event.target).closest("button")?.dataset.tab;
  if (tab) turnTo(tab);
});
turnTo("goods");

drawConnection(place("banner"), room);
drawOffers(place("offers"), { show, desk, now });
drawGoods(place("goods"), { show, desk, now });
drawTalk(place("talk"), { show, desk, seen: () => document.body.dataset.tab === "chat" });
drawSay(/** @type {HTMLFormElement} */ (place("say")), { show, room });
drawPace(/** @type {HTMLSelectElement} */ (place("pace")), { show, desk });
drawSales(place("sales"), { show, desk, first: page.sales, now });

room.start();
