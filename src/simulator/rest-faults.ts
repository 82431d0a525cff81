/** Faults that are ordered for REST: what happens to a request before, or instead of, its answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Floor } from './dialect.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The same answers, with the faults that are armed. */
export function withFaults(answer: Answer, { faults, tally }: Floor): Answer {
  const strike: Answer = (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const fault = faults.nextRest(path);
    if (fault === undefined) return answer(request, response);
    tally.requestsRefused++;
    request.resume();
    if (fault.fate === 'timeout') return;
    if (fault.fate === 'cut') {
      request.socket.destroy();
      return;
    }
    if (fault.retryAfterSeconds !== undefined) response.setHeader('Retry-After', fault.retryAfterSeconds);
    response.writeHead(fault.fate, { 'Content-Type': 'application/json;charset=UTF-8' });
    response.end(`{"code":-1003,"msg":"Refused with ${fault.fate} by order of the test."}`);
  };
  return (request, response) => {
    if (faults.restDelayMs <= 0) return strike(request, response);
    const timer = setTimeout(() => strike(request, response), faults.restDelayMs);
    response.on('close', () => clearTimeout(timer));
  };
}
