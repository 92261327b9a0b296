// JSON Web Signatures by jose, and SD-JWT by @sd-jwt.

import {createHash, randomBytes} from 'node:crypto';
import * as jose from 'jose';
import {SDJwtInstance} from '@sd-jwt/core';

const ALGORITHMS = {Ed25519: 'EdDSA', 'P-256': 'ES256', 'P-384': 'ES384'};

/** A compact JWS of `payload`, with `header` beside the algorithm of the JWK `key`. */
export async function signJws({payload, key, header}) {
  const signing = new jose.CompactSign(new TextEncoder().encode(JSON.stringify(payload)));
  const imported = await jose.importJWK(key, ALGORITHMS[key.crv]);
  return {token: await signing.setProtectedHeader({...header, alg: ALGORITHMS[key.crv]}).sign(imported)};
}

/** Verify a compact JWS with the public JWK `key`. */
export async function verifyJws({token, key}) {
  const algorithm = ALGORITHMS[key.crv];
  const imported = await jose.importJWK(key, algorithm);
  const {payload, protectedHeader} = await jose.compactVerify(token, imported, {algorithms: [algorithm]});
  return {payload: JSON.parse(new TextDecoder().decode(payload)), header: protectedHeader};
}

/** An SD-JWT of `payload`; `frame` says what may be disclosed apart ({"_sd": [names]}). */
export async function signSdJwt({payload, frame, key, header}) {
  const instance = new SDJwtInstance({...shared, signer: await signer(key), signAlg: ALGORITHMS[key.crv]});
  return {token: await instance.issue(payload, frame, {header})};
}

/** An SD-JWT with only what `disclose` names ({name: true}), bound to the holder's JWK `key` where there is one. */
export async function presentSdJwt({token, disclose, key, binding}) {
  const settings = key && {kbSigner: await signer(key), kbSignAlg: ALGORITHMS[key.crv]};
  const instance = new SDJwtInstance({...shared, ...settings});
  return {token: await instance.present(token, disclose, binding && {kb: {payload: binding}})};
}

/** Verify an SD-JWT by the issuer's public JWK; with `holder` and `nonce` its key binding too. */
export async function verifySdJwt({token, key, holder, nonce}) {
  const settings = holder && {kbVerifier: await verifier(holder)};
  const instance = new SDJwtInstance({...shared, ...settings, verifier: await verifier(key)});
  const {payload, header, kb} = await instance.verify(token, holder && {keyBindingNonce: nonce});
  return {payload, header, binding: kb?.payload ?? null};
}

const shared = {
  hashAlg: 'sha-256',
  hasher: (data, algorithm) => createHash(algorithm.replace('-', '')).update(Buffer.from(data)).digest(),
  saltGenerator: length => randomBytes(length).toString('base64url')
};

async function signer(jwk) {
  const key = await crypto.subtle.importKey('jwk', jwk, parameters(jwk), false, ['sign']);
  return async data => {
    const signature = await crypto.subtle.sign(parameters(jwk), key, new TextEncoder().encode(data));
    return Buffer.from(signature).toString('base64url');
  };
}

async function verifier(jwk) {
  const key = await crypto.subtle.importKey('jwk', jwk, parameters(jwk), false, ['verify']);
  return (data, signature) => crypto.subtle.verify(
    parameters(jwk), key, Buffer.from(signature, 'base64url'), new TextEncoder().encode(data));
}

function parameters({crv}) {
  return crv === 'Ed25519' ? {name: 'Ed25519'} :
    {name: 'ECDSA', namedCurve: crv, hash: crv === 'P-256' ? 'SHA-256' : 'SHA-384'};
}
