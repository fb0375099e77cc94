// Keeps the page fresh without a reload, and says times in the reader's own zone.
// The server renders everything: the script fetches the same page again and swaps what changed.
"use strict";

const EVERY_MS = 1000;

function localise(root) {
  for (const time of root.querySelectorAll("time[data-as]")) {
    const at = new Date(time.dateTime);
    time.title = at.toLocaleString();
    time.textContent = time.dataset.as === "clock" ? clockText(at) : dayText(at);
  }
}

function clockText(at) {
  return at.toLocaleTimeString(undefined, { timeStyle: "short" });
}

function dayText(at) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());
  const now = new Date();
  const days = Math.round((midnight(now) - midnight(at)) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const year = at.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return at.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", year });
}

// What the server last said for each live part, to touch the page only where it changed.
const said = new Map();

function refresh(fresh) {
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const here = document.getElementById(part.id);
    const text = part.innerHTML;
    if (!here || said.get(part.id) === text) continue;
    const focused = here.contains(document.activeElement) && document.activeElement.getAttribute("href");
    said.set(part.id, text);
    here.innerHTML = text;
    localise(here);
    if (focused) here.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  document.title = fresh.title;
}

// The page as the server has it now; null when it does not answer.
async function freshPage() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  } catch {
    return null;
  }
}

// The newest picture, loaded whole; null when there is none.
async function freshPicture() {
  if (!document.getElementById("latest")) return null;
  const picture = new Image();
  picture.src = `/latest.jpg?${(pictures += 1)}`;
  try {
    await picture.decode();
    return picture;
  } catch {
    return null;
  }
}

let pictures = 0;

// State and picture are fetched together, so that they show the same moment.
async function look() {
  if (!document.hidden) {
    const [page, picture] = await Promise.all([freshPage(), freshPicture()]);
    document.getElementById("offline").hidden = page !== null;
    if (page) refresh(page);
    const shown = document.getElementById("latest");
    if (picture && shown) {
      for (const name of ["id", "alt", "className"]) picture[name] = shown[name];
      shown.replaceWith(picture);
    }
  }
  setTimeout(look, EVERY_MS);
}

const live = document.querySelectorAll("[data-live]");
for (const part of live) said.set(part.id, part.innerHTML);
localise(document);
if (live.length) look();
