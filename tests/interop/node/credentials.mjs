// Credentials and presentations by @digitalbazaar/vc.

import * as vc from '@digitalbazaar/vc';
import {deriving, keyOf, signing, verifying} from './suites.mjs';
import {documentLoader} from './world.mjs';

// What a status list says is for other tests; their library will not verify a credential that has one without this.
const checkStatus = async () => ({verified: true});

/** A credential signed with the JWK `key`. */
// their library puts the proof into the document it is given
export async function sign({suite, document, key, ...options}) {
  const signer = signing(suite, await keyOf(key), options);
  return {document: await vc.issue({credential: {...document}, suite: signer, documentLoader, now: options.now})};
}

/** Verify a credential as of `now`. */
export async function verify({suite, document, now}) {
  const options = {credential: document, suite: verifying(suite), documentLoader, checkStatus, now};
  return judged(await vc.verifyCredential(options));
}

/** A credential with only what `selective` points to, and what the issuer made mandatory. */
export async function derive({suite, document, ...options}) {
  return {document: await vc.derive({verifiableCredential: document, suite: deriving(suite, options), documentLoader})};
}

/** A presentation of `credentials`, signed with the holder's JWK for `challenge` and `domain`. */
export async function signVp({suite, credentials, key, challenge, domain, now, id, ...options}) {
  const holder = await keyOf(key);
  const presentation = vc.createPresentation({verifiableCredential: credentials, holder: holder.controller, id, now});
  const signer = signing(suite, holder, options);
  const signed = await vc.signPresentation({presentation, suite: signer, challenge, domain, documentLoader});
  return {document: signed};
}

/** Verify a presentation and the credentials in it, whose suite may be another. */
export async function verifyVp({suite, credentialSuite, document, challenge, domain, now}) {
  const names = new Set([suite, credentialSuite ?? suite]);
  const suites = [...names].map(verifying);
  const options = {presentation: document, suite: suites, challenge, domain, documentLoader, checkStatus, now};
  return judged(await vc.verify(options));
}

function judged({verified, error, credentialResults = []}) {
  const errors = [error, ...credentialResults.map(result => result.error)].filter(Boolean);
  return verified ? {} : {ok: false, error: errors.map(reason).join('; ') || 'not verified'};
}

/** An error and those it stands for, in one line. */
export function reason(error) {
  const causes = Array.isArray(error.errors) ? error.errors : [];
  return [error.message, ...causes.map(reason)].join(': ');
}
