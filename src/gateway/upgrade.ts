/** Whether a request may become a WebSocket, and which protocol it then speaks. */
import { type Answer, problem } from './answer.ts';
import { quoted } from './control-message.ts';
import { originAllowed } from './cors.ts';
import type { Protocol } from './session.ts';

/** Subprotocol → protocol. */
const subprotocols: ReadonlyMap<string, Protocol> = new Map([
  ['tickwire.v2', 'v2'],
  ['tickwire.v1', 'v1'],
]);
const parameters: ReadonlyMap<string, Protocol> = new Map([
  ['v2', 'v2'],
  ['v1', 'v1'],
]);
const validNames = 'subprotocol tickwire.v2 or tickwire.v1, or ?protocol=v2 or v1';

export interface UpgradeRequest {
  /** Header `sec-websocket-protocol`: names in the client's order of preference; empty when absent. */
  readonly subprotocols: string;
  readonly query: string;
  readonly origin: string;
  readonly host: string;
}

export interface Accepted {
  readonly protocol: Protocol;
  /** To be named in the response; empty when the client named none. */
  readonly subprotocol: string;
}

/** The subprotocol wins over the parameter; without either it is v1, as document 002's clients expect. */
export function judgeUpgrade(request: UpgradeRequest, allowedOrigins: readonly string[]): Accepted | Answer {
  if (!originAllowed(request.origin, request.host, allowedOrigins)) {
    return problem(403, `origin ${quoted(request.origin)} may not connect`);
  }
  const offered = request.subprotocols
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const chosen = offered.find((name) => subprotocols.has(name));
  if (chosen !== undefined) return { protocol: subprotocols.get(chosen)!, subprotocol: chosen };
  if (offered.length > 0)
    return problem(400, `unknown subprotocol ${quoted(offered.join(', '))}: ${validNames}`);
  const named = new URLSearchParams(request.query).get('protocol');
  const protocol = parameters.get(named ?? 'v1');
  if (protocol === undefined) return problem(400, `unknown protocol ${quoted(named)}: ${validNames}`);
  return { protocol, subprotocol: '' };
}
