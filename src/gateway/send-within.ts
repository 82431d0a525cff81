/**
 * A long body to a client that may be slow: handed over in parts as the socket takes them, so that none of it is copied
 * into uWebSockets' buffers, and cut when the client has not taken it all in time.
 */
import type { HttpResponse } from './uws.ts';

/** To be called in place of `end`, headers written. `onLost` when not all could be sent: by our cut, or the client went. */
export function sendWithin(
  response: HttpResponse,
  body: Uint8Array,
  ms: number,
  onLost: (reason: 'cut' | 'aborted') => void,
): void {
  const before = response.getWriteOffset();
  const [, done] = response.tryEnd(body, body.length);
  if (done) return;
  let reason: 'cut' | 'aborted' = 'aborted';
  const timer = setTimeout(() => {
    reason = 'cut';
    response.close();
  }, ms);
  response.onAborted(() => {
    clearTimeout(timer);
    onLost(reason);
  });
  response.onWritable((offset) => {
    const [ok, all] = response.tryEnd(body.subarray(offset - before), body.length);
    if (all) clearTimeout(timer);
    return ok;
  });
}
