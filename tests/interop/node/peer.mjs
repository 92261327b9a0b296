// Another implementation, asked from a test: a JSON object a line in, {"ok": …} a line out, in order, until the end of
// input. {"op": "learn", "contexts": {url: document}} comes first; the network is never used.

import {createInterface} from 'node:readline';
import {learn} from './world.mjs';
import * as credentials from './credentials.mjs';
import * as rates from './rates.mjs';
import * as tokens from './tokens.mjs';
import {serve} from './server.mjs';
import {NAMES} from './suites.mjs';

const {sign, verify, derive, signVp, verifyVp, reason} = credentials;
const OPERATIONS = {
  sign, verify, derive, signVp, verifyVp, ...tokens, ...rates, serve,
  learn: ({contexts}) => learn(contexts),
  suites: () => ({suites: NAMES, node: process.version})
};

async function answer(line) {
  try {
    const {op, ...request} = JSON.parse(line);
    return {ok: true, ...await OPERATIONS[op](request)};
  } catch(error) {
    return {ok: false, error: reason(error)};
  }
}

for await (const line of createInterface({input: process.stdin})) {
  process.stdout.write(JSON.stringify(await answer(line)) + '\n');
}
