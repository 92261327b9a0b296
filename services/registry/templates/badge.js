"use strict";
const SVG = "http://www.w3.org/2000/svg";
// White can be read on each of them (6:1 or better).
const COLOURS = ["#1a5fb4", "#0e5c4f", "#6a2e8f", "#8f2f14", "#871745", "#3f5316"];
const LEAVES = 7;

function shape(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  parent?.append(made);
  return made;
}

// The first letters of the first and the last word.
function initials(name) {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? [name];
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : words;
  return chosen.map((word) => Array.from(word)[0].toUpperCase()).join("");
}

function colour(text) {
  let sum = 0;
  for (const character of text) sum = (sum * 31 + character.codePointAt(0)) % 65521;
  return COLOURS[sum % COLOURS.length];
}

// Where the institution gave no picture: a wreath around the credential's initials, in a colour of the institution's
// own. It imitates no seal, and says nothing that the text beside it does not.
function emblem(name, issuer) {
  const svg = shape("svg", { viewBox: "0 0 128 128", "aria-hidden": "true" });
  shape("circle", { cx: 64, cy: 64, r: 62, fill: colour(issuer) }, svg);
  shape("circle", { cx: 64, cy: 64, r: 57, fill: "none", stroke: "#fff", "stroke-opacity": .35 }, svg);
  for (let leaf = 0; leaf < LEAVES; leaf += 1) {
    for (const side of [-1, 1]) {
      const turn = side * (16 + leaf * 20);
      const place = `rotate(${-turn} 64 64) translate(64 108) rotate(${side * 28})`;
      shape("ellipse", { rx: 9.5 - leaf * .5, ry: 3.6, fill: "#fff", "fill-opacity": .85, transform: place }, svg);
    }
  }
  shape("text", { x: 64, y: 76 }, svg).textContent = initials(name);
  return svg;
}

// The drawing, and in its place the institution's own picture once that has come. Its host is told neither where the
// picture is shown (no-referrer) nor by whom it was seen before (the page's embedder policy sends no cookies).
function drawBadge(holder, signed, withPicture) {
  holder.replaceChildren(emblem(signed.name, signed.issuer.id));
  const image = withPicture && signed.credentialSubject.achievement.image;
  if (!image || !/^https:[/][/]/.test(image.id)) return;
  const picture = new Image();
  picture.referrerPolicy = "no-referrer";
  picture.alt = image.caption ?? "";
  picture.addEventListener("load", () => holder.replaceChildren(picture));
  picture.src = image.id;
}
