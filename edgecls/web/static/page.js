// Keeps the page fresh without a reload, and says times in the reader's own zone.
// The server renders everything: the script fetches the same page again and swaps what changed.
"use strict";

const PAGE_MS = 2000;
const PICTURE_MS = 1000;

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

async function refreshPage() {
  const offline = document.getElementById("offline");
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (answer.ok) refresh(new DOMParser().parseFromString(await answer.text(), "text/html"));
      offline.hidden = answer.ok;
    } catch {
      offline.hidden = false;
    }
  }
  setTimeout(refreshPage, PAGE_MS);
}

let pictures = 0;

async function refreshPicture() {
  const picture = document.getElementById("latest");
  if (picture && !document.hidden) {
    const next = new Image();
    next.id = picture.id;
    next.alt = picture.alt;
    next.src = `/latest.jpg?${(pictures += 1)}`;
    try {
      await next.decode(); // a picture appears whole, or the old one stays
      next.className = picture.className;
      picture.replaceWith(next);
    } catch {
      // no picture: the state on the page tells
    }
  }
  setTimeout(refreshPicture, PICTURE_MS);
}

const live = document.querySelectorAll("[data-live]");
for (const part of live) said.set(part.id, part.innerHTML);
localise(document);
if (live.length) {
  setTimeout(refreshPage, PAGE_MS);
  refreshPicture();
}
