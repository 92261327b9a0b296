"use strict";
const DAY = "UTC"; // as the letters and the signed dates have it

// Everything is asked for before anything is drawn.
async function openCredential(session) {
  const { token, credential } = session, path = "/v1/credentials/" + credential, spoken = language;
  const [signed, record, platforms, shares] = await Promise.all([
    call("GET", "/credentials/" + credential), call("GET", path), pages("/v1/platforms", { spoken }),
    pages(path + "/shares", { token }),
  ]);
  show("credential", { session, credential, signed, record, platforms, shares, spoken });
}

function drawCredential() {
  const { signed, record, session } = view, { achievement } = signed.credentialSubject;
  document.title = signed.name + " – " + sentence("common.title");
  if (at("picture").dataset.of !== signed.id) drawBadge(at("picture"), signed, true);
  at("picture").dataset.of = signed.id;
  for (const [id, text] of [["name", signed.name], ["description", achievement.description]]) {
    at(id).replaceChildren(isolated(text));
    at(id).lang = achievement.inLanguage ?? "";
  }
  drawStanding(standing(record, signed));
  drawFacts(signed);
  link(at("document"), record.url);
  link(at("linkedin"), record.links.add_to_profile);
  drawPlatforms();
}

function standing(record, signed) {
  if (record.status !== "revoked" && new Date(signed.validUntil) < new Date()) return "expired";
  return record.status;
}

function drawStanding(found) {
  if (found === "active") at("standing").replaceChildren();
  else fill(at("standing"), "credential." + found);
}

function drawFacts(signed) {
  const facts = [["issuer", signed.issuer.name], ["issued", date(signed.validFrom, DAY)]];
  if (signed.validUntil) facts.push(["valid_until", date(signed.validUntil, DAY)]);
  at("facts").replaceChildren();
  for (const [name, value] of facts) {
    element("dt", at("facts")).textContent = sentence("credential." + name);
    element("dd", at("facts")).append(isolated(value));
  }
}

function element(name, parent) {
  const made = document.createElement(name);
  parent.append(made);
  return made;
}

function link(node, address) {
  if (/^https?:[/][/]/.test(address)) node.href = address;
}

// Those that can be shared with, and those that it is or was shown on though they were shut out since.
function drawPlatforms() {
  const listed = new Map(view.platforms.map((platform) => [platform.id, platform])), latest = new Map();
  for (const share of view.shares) {
    if (!latest.has(share.platform.id)) latest.set(share.platform.id, share);
    if (!listed.has(share.platform.id)) listed.set(share.platform.id, share.platform);
  }
  at("platforms").replaceChildren();
  for (const platform of listed.values()) drawPlatform(platform, latest.get(platform.id));
  if (!listed.size) fill(element("li", at("platforms")), "sharing.nowhere");
}

function drawPlatform(platform, share) {
  const item = element("li", at("platforms")), state = share?.state ?? "absent";
  item.id = "on-" + platform.id;
  const heading = element("h3", item);
  heading.tabIndex = -1;
  const name = element("a", heading);
  name.append(isolated(platform.name));
  link(name, platform.url);
  const line = element("p", item);
  line.className = "state " + state;
  fill(element("span", line), "sharing." + state, share && { date: date(share.shared_at) });
  if (state === "shared") drawSwitch(item, platform, "stop");
  else if (platform.consent && view.record.status === "active") {
    const terms = element("p", item);
    terms.className = "terms";
    terms.id = "terms-" + platform.id;
    terms.lang = view.spoken;
    terms.textContent = platform.consent.text;
    drawSwitch(item, platform, "show").setAttribute("aria-describedby", terms.id);
  }
}

function drawSwitch(item, platform, verb) {
  const button = element("button", item);
  button.type = "button";
  if (verb === "stop") button.className = "quiet";
  fill(button, "sharing." + verb, { platform: platform.name });
  button.addEventListener("click", () => act(button, () => share(platform, verb)));
  return button;
}

// On the terms that are on the page: they are kept in the language in which they were read.
async function share(platform, verb) {
  const { session, credential, spoken } = view, path = "/v1/credentials/" + credential;
  const action = verb === "show" ? "/share" : "/unshare";
  await call("POST", path + action, { body: { platform: platform.id }, token: session.token, spoken });
  await openCredential(session);
  say({ key: "sharing.told_to_" + verb, values: { platform: platform.name }, passing: true });
  const item = at("on-" + platform.id);
  (item.querySelector("button") ?? item.querySelector("h3")).focus();
}
