// All that the peer may look up: contexts it was handed, and did:key documents, which follow from the identifier.

import {webcrypto} from 'node:crypto';

globalThis.crypto ??= webcrypto;  // Node 18 has it behind a flag

const MULTIKEY = 'https://w3id.org/security/multikey/v1';
const DID = 'https://www.w3.org/ns/did/v1';
const RELATIONSHIPS = ['assertionMethod', 'authentication'];

const contexts = new Map();
const identifiers = new Map();

/** Remember contexts, URL to document. */
export function learn(documents) {
  for(const [url, document] of Object.entries(documents)) {
    // `static` lets their JSON-LD library keep the parsed context, as it keeps those it ships
    contexts.set(url, {documentUrl: url, document, tag: 'static'});
  }
}

/** What Digital Bazaar's libraries call for every URL. Rejects whatever is neither a known context nor a did:key. */
export async function documentLoader(url) {
  if(contexts.has(url)) {
    return contexts.get(url);
  }
  if(!url.startsWith('did:key:')) {
    throw new Error(`unknown document: ${url}`);
  }
  if(!identifiers.has(url)) {
    identifiers.set(url, {documentUrl: url, document: derive(url)});
  }
  return identifiers.get(url);
}

function derive(url) {
  const [did, fragment] = url.split('#');
  const multikey = did.slice('did:key:'.length);
  const id = `${did}#${multikey}`;
  const method = {'@context': MULTIKEY, id, type: 'Multikey', controller: did, publicKeyMultibase: multikey};
  if(fragment === undefined) {
    const relationships = Object.fromEntries(RELATIONSHIPS.map(name => [name, [id]]));
    return {'@context': [DID, MULTIKEY], id: did, verificationMethod: [method], ...relationships};
  }
  if(fragment !== multikey) {
    throw new Error(`no such method: ${url}`);
  }
  return method;
}
