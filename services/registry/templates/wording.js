"use strict";
// Every language comes with the page, so that another one is a redraw: a reload would lose the link's code.
const CATALOGUES = JSON.parse(document.getElementById("wording").textContent);
// What is said of an answer without a code of ours, such as a gateway's.
const BY_STATUS = {
  401: "invalid-token", 403: "forbidden", 404: "not-found", 408: "request-timeout", 429: "too-many-requests",
  500: "internal-error", 502: "unavailable", 503: "unavailable", 504: "unavailable",
};

let language = document.documentElement.lang;

function sentence(key) {
  const [section, name] = key.split(".");
  const found = CATALOGUES[language][section];
  return Object.hasOwn(found, name) ? found[name] : undefined;
}

// Names and dates stand in elements of their own, so that their direction stays theirs; what others wrote is only text.
function isolated(text) {
  const made = document.createElement("bdi");
  made.textContent = text;
  return made;
}

function fill(node, key, values) {
  const parts = sentence(key).split(/\{(\w+)\}/);
  node.replaceChildren(...parts.map((part, place) => (place % 2 ? isolated(values[part]) : part)));
}

// `message` is a sentence's key and its values, or the text itself where there is no sentence.
function tell(node, message) {
  node.lang = message.key ? language : "en";
  if (message.key) fill(node, message.key, message.values);
  else node.textContent = message.text;
}

function problem(error) {
  for (const name of [error.code, BY_STATUS[error.status]]) {
    if (name && sentence("problems." + name)) return { key: "problems." + name };
  }
  return error.detail ? { text: error.detail } : { key: "problems.unexpected" };
}

// In the reader's own variety of the language where the browser knows it: de-AT for German.
function date(moment, timeZone) {
  const spoken = navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language);
  return new Intl.DateTimeFormat(spoken ?? language, { dateStyle: "long", timeZone }).format(new Date(moment));
}
