// Their cryptosuites by the names the specifications give them, and keys from JWKs.

import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as eddsaJcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as ecdsaJcs from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import * as ecdsaSd from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import {cryptosuite as ecdsaRdfc} from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import {cryptosuite as eddsaRdfc} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {Ed25519Signature2020} from '@digitalbazaar/ed25519-signature-2020';

const LEGACY = 'Ed25519Signature2020';
const SUITES = {
  'eddsa-rdfc-2022': {signing: () => eddsaRdfc, verifying: () => eddsaRdfc},
  'ecdsa-rdfc-2019': {signing: () => ecdsaRdfc, verifying: () => ecdsaRdfc},
  'eddsa-jcs-2022': {signing: eddsaJcs.createSignCryptosuite, verifying: eddsaJcs.createVerifyCryptosuite},
  'ecdsa-jcs-2019': {signing: ecdsaJcs.createSignCryptosuite, verifying: ecdsaJcs.createVerifyCryptosuite},
  'ecdsa-sd-2023': {
    signing: ({mandatory}) => ecdsaSd.createSignCryptosuite({mandatoryPointers: mandatory}),
    deriving: ({selective}) => ecdsaSd.createDiscloseCryptosuite({selectivePointers: selective}),
    verifying: ecdsaSd.createVerifyCryptosuite
  }
};

/** The names of all. */
export const NAMES = [...Object.keys(SUITES), LEGACY];

const keys = new Map();

/** Their key object for a private JWK, named as the only method of its did:key; made once for each JWK. */
export async function keyOf(jwk) {
  if(!keys.has(jwk.d)) {
    keys.set(jwk.d, await imported(jwk));
  }
  return keys.get(jwk.d);
}

async function imported(jwk) {
  const library = jwk.crv === 'Ed25519' ? Ed25519Multikey : EcdsaMultikey;
  // without `key_ops` their ECDSA library takes it for a key of key agreement
  const key = await library.fromJwk({jwk: {...jwk, key_ops: ['sign']}, secretKey: true});
  key.controller = `did:key:${key.publicKeyMultibase}`;
  key.id = `${key.controller}#${key.publicKeyMultibase}`;
  return key;
}

/** A suite that signs with `key`; `created` is the proof's date. */
export function signing(name, key, options) {
  const signer = key.signer();
  if(name === LEGACY) {
    return new Ed25519Signature2020({signer: {...signer, id: key.id}, date: options.created});
  }
  return new DataIntegrityProof({
    signer: {algorithm: signer.algorithm, id: key.id, sign: signer.sign},
    date: options.created, cryptosuite: named(name).signing(options)
  });
}

/** A suite that discloses part of a credential. */
export function deriving(name, options) {
  return new DataIntegrityProof({cryptosuite: named(name).deriving(options)});
}

/** A suite that verifies. */
export function verifying(name) {
  return name === LEGACY ? new Ed25519Signature2020() :
    new DataIntegrityProof({cryptosuite: named(name).verifying()});
}

function named(name) {
  if(!Object.hasOwn(SUITES, name)) {
    throw new Error(`no such suite: ${name}`);
  }
  return SUITES[name];
}
