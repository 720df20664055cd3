/** The stage: picture or video, who is on, how many watch, and what stands there before and after the show. */

import { fill, h, icon, say } from "../commerce/dom.js";
import { countdown, everyTick, inWords } from "./clock.js";

/**
 * @typedef {import("./show.js").Show} Show
 * @typedef {import("./show.js").Stream} Stream
 */

const HLS = "application/vnd.apple.mpegurl";
const DAY_MS = 86_400_000;

/** @param {string} url */
function isPlaylist(url) {
  return /\.m3u8($|\?)/i.test(url);
}

/** @param {string} url */
function isVideo(url) {
  return /\.(mp4|webm|mov)($|\?)/i.test(url);
}

/**
 * What to show for the stream: a video the browser can play by itself, else a picture.
 * @param {Stream} stream
 * @returns {HTMLElement | null}
 */
function makeMedia(stream) {
  const url = stream.video_url;
  const playable = isVideo(url) || (isPlaylist(url) && document.createElement("video").canPlayType(HLS));
  if (playable && stream.status === "live") {
    const video = h("video", {
      class: "stage__picture",
      src: url,
      poster: stream.poster_url || null,
      autoplay: true,
      playsinline: true,
      muted: true,
      loop: isVideo(url),
      "aria-label": `Live video of ${stream.host.name}`,
    });
    // The attribute alone does not mute an element made by script, and unmuted video may not start by itself.
    video.muted = true;
    return video;
  }
  const still =
    stream.status === "live" && url && !isPlaylist(url) && !isVideo(url)
      ? url
      : stream.poster_url || (isPlaylist(url) || isVideo(url) ? "" : url);
  return still ? h("img", { class: "stage__picture", src: still, alt: "" }) : null;
}

/**
 * @param {HTMLElement} place
 * @param {Show} show
 */
export function drawMedia(place, show) {
  let drawn = "";
  const sound = h("button", { class: "stage__sound", type: "button", hidden: true });
  show.watch(["stream"], () => {
    const stream = show.stream;
    if (!stream) return;
    const key = `${stream.status} ${stream.video_url} ${stream.poster_url}`;
    if (key === drawn) return;
    drawn = key;
    const media = makeMedia(stream);
    fill(place, media, sound);
    sound.hidden = !(media instanceof HTMLVideoElement);
    if (media instanceof HTMLVideoElement) {
      const label = () => {
        fill(sound, icon(media.muted ? "mute" : "sound"));
        sound.setAttribute("aria-label", media.muted ? "Turn the sound on" : "Turn the sound off");
      };
      sound.onclick = () => {
        media.muted = !media.muted;
        label();
      };
      label();
    }
  });
}

/**
 * Host, title, badge and viewers.
 * @param {HTMLElement} place
 * @param {Show} show
 * @param {HTMLElement} follow
 */
export function drawWho(place, show, follow) {
  const avatar = h("img", { class: "who__avatar", alt: "", width: 40, height: 40 });
  const letter = h("span", { class: "who__letter", "aria-hidden": "true" });
  const name = h("p", { class: "who__name" });
  const title = h("h1", { class: "who__title" });
  const badge = h("span", { class: "badge" });
  const number = h("span", {});
  const watching = h(
    "span",
    { class: "viewers" },
    icon("eye"),
    number,
    h("span", { class: "visually-hidden" }, " watching"),
  );
  place.replaceChildren(
    h("div", { class: "who__host" }, avatar, letter, h("div", { class: "who__words" }, name, title)),
    h("div", { class: "who__state" }, badge, watching, follow),
  );
  const format = new Intl.NumberFormat(document.documentElement.lang || "en-GB", {
    notation: "compact",
    maximumFractionDigits: 1,
  });
  /** @type {Record<string, string>} */
  const words = { scheduled: "Soon", live: "Live", ended: "Ended", cancelled: "Cancelled" };
  show.watch(["stream"], () => {
    const stream = show.stream;
    if (!stream) return;
    say(name, [stream.host, ...stream.cohosts].map((one) => one.name).join(" · "));
    say(title, stream.title);
    avatar.hidden = !stream.host.avatar;
    letter.hidden = Boolean(stream.host.avatar);
    say(letter, stream.host.name.slice(0, 1));
    if (stream.host.avatar && avatar.getAttribute("src") !== stream.host.avatar)
      avatar.src = stream.host.avatar;
    say(badge, words[stream.status]);
    badge.className = `badge badge--${stream.status}`;
    watching.hidden = stream.status !== "live";
  });
  show.watch(["viewers"], () => say(number, format.format(show.viewers)));
}

/**
 * What stands in the middle when there is no live picture: the wait before the show, the thanks after it.
 * @param {HTMLElement} place
 * @param {Show} show
 * @param {{now: () => number, openShowcase: () => void}} parts
 */
export function drawCurtain(place, show, { now, openShowcase }) {
  /** @type {() => void} */
  let stop = () => {};
  let drawn = "";
  show.watch(["stream", "items"], () => {
    const stream = show.stream;
    const key = `${stream?.status} ${stream?.starts_at} ${show.items.length > 0}`;
    if (!stream || key === drawn) return;
    drawn = key;
    stop();
    place.hidden = stream.status === "live";
    if (stream.status === "scheduled") {
      const clock = h("p", { class: "curtain__clock", role: "timer" });
      const when = new Date(stream.starts_at);
      const day = new Intl.DateTimeFormat(document.documentElement.lang, {
        weekday: "long",
        day: "numeric",
        month: "long",
        hour: "2-digit",
        minute: "2-digit",
      });
      fill(
        place,
        h("p", { class: "curtain__lead" }, "The show begins in"),
        clock,
        h("p", { class: "curtain__text" }, day.format(when)),
        stream.description && h("p", { class: "curtain__text curtain__text--long" }, stream.description),
        show.items.length > 0 && showcaseButton(`Look at the ${show.items.length} products`, openShowcase),
      );
      stop = everyTick(() => {
        const left = stream.starts_at - now();
        say(clock, left <= 0 ? "Any moment now" : left > DAY_MS ? inWords(left) : countdown(left));
      });
    } else if (stream.status === "ended") {
      fill(
        place,
        h("p", { class: "curtain__lead" }, "Thanks for watching!"),
        h(
          "p",
          { class: "curtain__text" },
          `${stream.host.name}'s show is over.`,
          show.items.length > 0 ? " What was shown is still here, at its normal price." : "",
        ),
        show.items.length > 0 && showcaseButton("See the products", openShowcase),
        h("a", { class: "button button--quiet curtain__more", href: "/" }, "More shows"),
      );
    } else if (stream.status === "cancelled") {
      fill(
        place,
        h("p", { class: "curtain__lead" }, "This show was cancelled"),
        h("a", { class: "button button--main", href: "/" }, "More shows"),
      );
    }
  });
}

/** @param {string} text @param {() => void} open */
function showcaseButton(text, open) {
  return h(
    "button",
    { class: "button button--main curtain__products", type: "button", on: { click: open } },
    icon("cart"),
    text,
  );
}

/** Close codes that say why the show does not come back by itself. @type {Record<number, string>} */
const CLOSED = {
  4409: "You opened this show in another window. Come back to this one to go on here.",
  4403: "You cannot take part in this show.",
  4404: "This show is not there any more.",
  4406: "This page is out of date. Load it again.",
};

/**
 * The banner that says when the connection is away.
 * @param {HTMLElement} place
 * @param {import("./room.js").Room} room
 * @param {Show} show
 */
export function drawBanner(place, room, show) {
  /** @type {number | undefined} */
  let later;
  let was = { code: 0, final: false };
  function text() {
    if (CLOSED[was.code]) return CLOSED[was.code];
    if (was.final || show.stream?.status === "ended") return "";
    return navigator.onLine
      ? "Reconnecting… What you see may be a moment old."
      : "You are offline. We go on as soon as you are back.";
  }
  function refresh() {
    clearTimeout(later);
    if (room.online && navigator.onLine) {
      place.hidden = true;
      return;
    }
    // A connection that is back within a moment is not worth a word.
    later = setTimeout(() => {
      say(place, text());
      place.hidden = !place.textContent;
    }, 1200);
  }
  room.on("connection", ({ code, final }) => {
    was = { code: code ?? 0, final };
    refresh();
  });
  addEventListener("online", refresh);
  addEventListener("offline", refresh);
  refresh();
}
