// Keeps the page fresh without a reload, and says times in the reader's own zone.
// The server renders everything: the script fetches the same page again and swaps what changed.
"use strict";

const PAGE_EVERY_MS = 5000;
const PICTURE_EVERY_MS = 1000; // only where there is no stream
const AGAIN_MS = 10000;

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

function swapIn(fresh) {
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

// Fetch the page as the server has it now. A login that has ended leads to the login.
async function refresh() {
  let page = null;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.redirected && new URL(answer.url).pathname === "/login") return location.reload();
    if (answer.ok) page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    // told below
  }
  document.getElementById("offline").hidden = page !== null;
  if (page) swapIn(page);
}

// Show the newest picture once it is loaded whole; one load at a time, the newest wins.
let loading = false;
let waiting = null;

async function show(tag) {
  if (!document.getElementById("latest")) return;
  if (loading) {
    waiting = tag;
    return;
  }
  loading = true;
  const picture = new Image();
  picture.src = `/latest.jpg?camera=${encodeURIComponent(camera)}&v=${tag}`;
  try {
    await picture.decode();
    const shown = document.getElementById("latest");
    if (shown) {
      for (const name of ["id", "alt", "className"]) picture[name] = shown[name];
      shown.replaceWith(picture);
    }
  } catch {
    // the next one will do
  }
  loading = false;
  if (waiting !== null) {
    const next = waiting;
    waiting = null;
    show(next);
  }
}

// The stream says when there is a new picture or another state. It is open only while someone looks.
let stream = null;
let pictureTag = null;
let state = null;
let polls = 0;

function openStream() {
  if (stream || document.hidden) return;
  stream = new EventSource(`/live?camera=${encodeURIComponent(camera)}`);
  stream.onmessage = (message) => {
    const told = JSON.parse(message.data);
    if (told.picture && told.picture !== pictureTag) show((pictureTag = told.picture));
    const now = JSON.stringify([told.state, told.since, told.problem, told.picture !== null]);
    if (state !== null && state !== now) {
      refresh();
      setTimeout(refresh, 1500); // by then the store has the visit
    }
    state = now;
  };
  stream.onerror = () => {
    refresh();
    if (stream && stream.readyState === EventSource.CLOSED) {
      closeStream(); // too many look already: ask now and then instead
      setTimeout(openStream, AGAIN_MS);
    }
  };
}

function closeStream() {
  stream?.close();
  stream = null;
}

const live = document.querySelectorAll("[data-live]");
const camera = document.querySelector("[data-camera]")?.dataset.camera;
for (const part of live) said.set(part.id, part.innerHTML);
localise(document);
if (live.length) {
  setInterval(() => document.hidden || refresh(), PAGE_EVERY_MS);
  setInterval(() => document.hidden || stream || show(`poll${(polls += 1)}`), PICTURE_EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return closeStream();
    refresh();
    openStream();
  });
  openStream();
}

// One visit's pictures: a small one is shown large in its place.
for (const link of document.querySelectorAll("a[data-frame]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const shown = document.getElementById("shown");
    shown.src = link.href;
    shown.alt = link.querySelector("img").alt;
    for (const other of document.querySelectorAll("a[data-frame]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
  });
}
