// A platform whose server checks what arrives with the JavaScript of docs/webhooks-checking.md, by the key in `x-key`.
// It answers 204, or 400 with the reason of a refusal; 500 when the snippet failed in any other way.

import {createServer} from 'node:http';
import {check, checkWithPublicKey} from './javascript.mjs';

const CHECKS = {'secret': check, 'public-key': checkWithPublicKey};

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    CHECKS[request.url.split('/')[1]](request.headers['x-key'], request.headers, Buffer.concat(chunks));
    response.writeHead(204).end();
  } catch(error) {
    response.writeHead(error.constructor === Error ? 400 : 500).end(String(error));
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
