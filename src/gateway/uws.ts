/**
 * The one file that imports uWebSockets.js. The package in use has named exports, the official one a default
 * export: either fits.
 */

import type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket, WebSocket } from 'uWebSockets.js';
import * as package_ from 'uWebSockets.js';

export type { HttpRequest, HttpResponse, us_socket_context_t } from 'uWebSockets.js';
export type UwsSocket<UserData> = WebSocket<UserData>;

/** What this project uses of it; `listen` with host and options exists, but not in its types. */
export interface UwsApp extends Omit<TemplatedApp, 'listen' | 'any'> {
  any(pattern: string, handler: (res: HttpResponse, req: HttpRequest) => void): UwsApp;
  listen(
    host: string,
    port: number,
    options: number,
    done: (socket: us_listen_socket | false) => void,
  ): UwsApp;
}

interface Uws {
  App(): UwsApp;
  readonly DISABLED: number;
  us_socket_local_port(socket: us_listen_socket): number;
}

const exported = package_ as unknown as Uws & { readonly default?: Uws };
const uws: Uws = exported.default ?? exported;

export const createApp = (): UwsApp => uws.App();
/** The default way to listen: see `listen-alone.ts`. */
export const sharedPort = 0;
export const noCompression = uws.DISABLED;
export const localPort = (socket: us_listen_socket): number => uws.us_socket_local_port(socket);

/** What `send` returns. */
export const sendStatus = { backpressure: 0, sent: 1, dropped: 2 } as const;
