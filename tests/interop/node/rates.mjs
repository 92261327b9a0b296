// How often their library issues and verifies in a second of processor time, all threads of this process together.

import {sign, verify} from './credentials.mjs';
import {keyOf} from './suites.mjs';

/** Milliseconds of the first `what` ("sign" or "verify") in this process. */
export async function first({what, ...request}) {
  return {milliseconds: await timed(1, await WORK[what](request))};
}

/** Calls a second of one round of `seconds`: issuing, verifying, or the bare key over 64 bytes ("raw-…"). */
export async function rate({what, seconds, ...request}) {
  const work = await WORK[what](request);
  let [done, batch, elapsed] = [0, 1, 0];
  while(elapsed < seconds * 1000) {
    elapsed += await timed(batch, work);
    done += batch;
    batch = Math.min(50, batch * 2);
  }
  return {perSecond: done / elapsed * 1000};
}

const WORK = {
  sign: request => () => sign(request),
  verify: request => async () => {
    const {ok = true, error} = await verify(request);
    if(!ok) {
      throw new Error(error);
    }
  },
  'raw-sign': async ({key}) => {
    const signer = (await keyOf(key)).signer();
    return () => signer.sign({data});
  },
  'raw-verify': async ({key}) => {
    const pair = await keyOf(key);
    const [signature, verifier] = [await pair.signer().sign({data}), pair.verifier()];
    return () => verifier.verify({data, signature});
  }
};
const data = new Uint8Array(64);

async function timed(times, work) {
  const started = process.cpuUsage();
  for(let n = 0; n < times; n++) {
    await work();
  }
  const {user, system} = process.cpuUsage(started);
  return (user + system) / 1000;
}
