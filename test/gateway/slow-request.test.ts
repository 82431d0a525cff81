/** A request that never becomes whole: what config.yaml says of `server.readTimeout`. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startGateway } from './harness.ts';

test('a request that comes a byte at a time is cut by uWebSockets; others do not notice', async () => {
  const gateway = await startGateway();
  const socket = connect(gateway.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  socket.write('GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  const dripping = setInterval(() => socket.writable && socket.write('a'), 500);
  expect((await fetch(`http://127.0.0.1:${gateway.port}/api/v1/health`)).status).toBe(200);
  // It takes 10 to 12 s, however often a byte comes.
  await closed;
  clearInterval(dripping);
  expect((await gateway.account()).http.byStatus).toEqual({ 200: 1 });
  expect((await gateway.close()).code).toBe(0);
}, 30_000);
