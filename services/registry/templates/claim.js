"use strict";
const LINK = /^#([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[.]([\w-]+)$/;
const VIEWS = ["blank", "offer", "again", "credential"];
const PATIENCE = 400; // milliseconds without an answer before the page asks for patience
const NOTICE = 8000; // milliseconds that a passing message stays: what it says, the page shows by then
const at = (id) => document.getElementById(id);

let view = { name: "nothing" }; // what is on the page, drawn anew in another language
let said = null;
let busy = false;

// Where the browser keeps nothing, all of it lasts as long as the page.
function keep(name, value) {
  try {
    sessionStorage.setItem("laurel." + name, JSON.stringify(value));
  } catch { /* storage is blocked */ }
}

function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem("laurel." + name));
  } catch {
    return null;
  }
}

async function call(method, path, { body, token, spoken = language } = {}) {
  const headers = { "Accept-Language": spoken };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = "Bearer " + token;
  const answer = await fetch(path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer",
  }).catch(() => { throw { code: "unreachable" }; });
  const read = await answer.json().catch(() => ({}));
  if (!answer.ok) throw { status: answer.status, code: read.code, detail: read.detail };
  return read;
}

async function pages(path, options) {
  const items = [];
  for (let next = ""; next !== null;) {
    const page = await call("GET", path + "?limit=200" + (next && "&cursor=" + encodeURIComponent(next)), options);
    items.push(...page.items);
    next = page.next;
  }
  return items;
}

function show(name, rest = {}) {
  view = { name, ...rest };
  redraw();
}

function say(message) {
  said = message;
  at("said").className = message?.bad ? "bad" : "";
  if (message) tell(at("said"), message);
  else at("said").replaceChildren();
  if (message?.passing) setTimeout(() => { if (said === message) say(null); }, NOTICE);
}

function redraw() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-say]")) fill(node, node.dataset.say);
  for (const name of VIEWS) at(name).hidden = name !== view.name;
  document.title = sentence("common.title");
  if (view.name === "offer") drawOffer();
  if (view.name === "again") drawAgain();
  if (view.name === "credential") drawCredential();
  say(said);
}

function refused(key, reason, credential) {
  show("again", { key, reason, credential });
  say(null);
  at("stopped").focus();
}

function signedOut(error) {
  keep("learner", null);
  refused("again.over", problem(error), view.credential);
}

// One thing at a time. The button stays where the keyboard left it, so it is not disabled but deaf.
async function act(button, work) {
  if (busy) return;
  busy = true;
  button?.setAttribute("aria-disabled", "true");
  const waiting = setTimeout(() => say({ key: "common.wait" }), PATIENCE);
  try {
    await work();
  } catch (error) {
    if (error.status === 401) signedOut(error);
    else say({ ...problem(error), bad: true });
    if (error instanceof Error) throw error; // a fault of the page's own
  } finally {
    clearTimeout(waiting);
    if (said?.key === "common.wait") say(null);
    button?.removeAttribute("aria-disabled");
    busy = false;
  }
}

// What it is about is on the public record; without it, the offer stands all the same. The institution's picture is
// left out: before a click, nobody elsewhere hears that the link was opened.
async function offer({ credential, code }) {
  show("offer", { credential, code });
  const signed = await call("GET", "/credentials/" + credential).catch(() => null);
  if (signed && view.name === "offer" && view.credential === credential) show("offer", { credential, code, signed });
}

function drawOffer() {
  const { signed } = view;
  at("promise").hidden = !signed;
  at("earned").hidden = !signed;
  if (!signed) return;
  drawBadge(at("promise"), signed, false);
  at("offered").replaceChildren(isolated(signed.name));
  fill(at("offerer"), "offer.issuer", { institution: signed.issuer.name });
}

function drawAgain() {
  fill(at("stopped"), view.key);
  tell(at("reason"), view.reason);
}

async function claim() {
  const { credential, code } = view;
  let claimed;
  try {
    claimed = await call("POST", "/v1/claims", { body: { code } });
  } catch (error) {
    if (![404, 410, 422].includes(error.status)) throw error;
    keep("offer", null);
    const reason = error.status === 410 ? problem(error) : { key: "again.unknown" };
    return refused("again.used", reason, credential);
  }
  keep("offer", null);
  const session = { token: claimed.token, credential: claimed.credential_id };
  keep("learner", session);
  await openCredential(session);
  say({ key: "credential.claimed", passing: true });
  at("name").focus();
}

async function ask() {
  await call("POST", "/v1/credentials/" + view.credential + "/claim");
  say({ key: "again.asked" });
}

async function changeLanguage(chosen) {
  language = chosen;
  keep("language", language);
  redraw();
  // The terms of sharing come from the service, in the language in which the learner agrees to them.
  if (view.name === "credential") await act(null, () => openCredential(view.session));
}

function resume(session) {
  show("nothing", { credential: session.credential });
  act(null, () => openCredential(session));
}

function start() {
  const link = LINK.exec(location.hash);
  const broken = location.hash && !link;
  if (location.hash) history.replaceState(null, "", location.pathname);
  say(null);
  if (link) keep("offer", { credential: link[1], code: link[2] });
  const offered = kept("offer"), session = kept("learner");
  if (broken) show("blank");
  else if (offered) offer(offered);
  else if (session) resume(session);
  else show("blank");
}

if (Object.hasOwn(CATALOGUES, kept("language"))) language = kept("language");
at("language").value = language;
at("language").addEventListener("change", (event) => changeLanguage(event.target.value));
at("claim").addEventListener("click", () => act(at("claim"), claim));
at("ask").addEventListener("click", () => act(at("ask"), ask));
addEventListener("hashchange", start);
start();
