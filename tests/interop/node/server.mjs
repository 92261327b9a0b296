// Their library behind HTTP, as the VC-API's issue and verify. Plain node:http, where their own services use Express:
// it costs less, so nothing is held against them but their library.

import {once} from 'node:events';
import {createServer} from 'node:http';
import {reason, sign, verify} from './credentials.mjs';

/** Answer on a free port of this machine until the process ends; `keys` are private JWKs by cryptosuite. */
export async function serve({keys}) {
  const server = createServer(async (request, response) => {
    const [status, body] = await answer(request, keys);
    response.writeHead(status, {'Content-Type': 'application/json'}).end(JSON.stringify(body));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {port: server.address().port, pid: process.pid};
}

async function answer(request, keys) {
  try {
    return await ROUTES[request.url](await read(request), keys);
  } catch(error) {
    return [400, {detail: reason(error)}];
  }
}

const ROUTES = {
  '/credentials/issue': async ({credential, options: {cryptosuite}}, keys) => {
    const {document} = await sign({suite: cryptosuite, document: credential, key: keys[cryptosuite]});
    return [201, {verifiableCredential: document}];
  },
  '/credentials/verify': async ({verifiableCredential: document}) => {
    const {ok = true, error} = await verify({suite: document.proof.cryptosuite, document});
    return ok ? [200, {verified: true}] : [400, {verified: false, detail: error}];
  }
};

async function read(request) {
  const pieces = [];
  for await (const piece of request) {
    pieces.push(piece);
  }
  return JSON.parse(Buffer.concat(pieces));
}
