/** What keeps a connection from its venue: each cause by its own name, with a pause of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { closers, connect, granted, pause, serve } from './connection-harness.ts';
import { until } from './market.ts';

const openssl = 'openssl';

describe('scenario 10: what keeps us from connecting', () => {
  test.each([
    [418, '', 'banned', 120_000],
    [429, '', 'limited', 60_000],
    [429, '90', 'limited', 90_000],
    [451, '', 'blocked', 300_000],
  ] as const)(
    'status %i, Retry-After %s: %s; nobody tries for %i ms',
    async (status, retryAfter, ending, ms) => {
      const server = await serve();
      server.status = status;
      server.retryAfter = retryAfter;
      const { connection, timers, budget } = connect(server.wsUrl);
      await until(() => connection.state === 'backing-off', 'the refusal');
      expect(connection.health().ended[ending]).toBe(1);
      expect(budget.health()).toMatchObject({ held: ending, heldMs: ms });
      let other = 0;
      budget.ask(() => other++);
      timers.advance(ms - 1);
      await pause(20);
      expect([server.attempts, other]).toEqual([1, 0]);
      server.status = 101;
      timers.advance(1);
      expect([server.attempts, other]).toEqual([1, 1]);
      // That one did not come through within 10 s: the next.
      timers.advance(10_000);
      await granted(connection);
    },
  );

  test('another status, no server, no such name: each by its own name, and back-off of its own', async () => {
    const server = await serve();
    server.status = 503;
    const refused = connect(server.wsUrl);
    await until(() => refused.connection.state === 'backing-off', 'the refusal');
    expect(refused.connection.health().ended['refused-upgrade']).toBe(1);
    expect(refused.timers.nextIn).toBe(500);
    const none = connect('ws://127.0.0.1:1');
    await until(() => none.connection.state === 'backing-off', 'the refused connection');
    expect(none.connection.health().ended['cannot-connect']).toBe(1);
    expect(none.timers.nextIn).toBe(500);
    // A label of more than 63 characters: no resolver needs to be asked.
    const nameless = connect(`ws://${'x'.repeat(64)}.invalid`);
    await until(() => nameless.connection.state === 'backing-off', 'the failed name');
    expect(nameless.connection.health().ended['no-name']).toBe(1);
    expect(nameless.timers.nextIn).toBe(2_500);
  });

  test.skipIf(!hasOpenssl())('a certificate that is not to be believed (needs openssl)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tickwire-'));
    closers.push(() => rmSync(folder, { recursive: true }));
    const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
    execFileSync(
      openssl,
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=localhost',
        ...files,
      ],
      { stdio: 'ignore' },
    );
    const server = createTlsServer({
      key: readFileSync(join(folder, 'key.pem')),
      cert: readFileSync(join(folder, 'cert.pem')),
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    closers.push(() => void server.close());
    const { connection, timers } = connect(`wss://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await until(() => connection.state === 'backing-off', 'the refused certificate');
    expect(connection.health().ended['bad-certificate']).toBe(1);
    expect(timers.nextIn).toBe(30_500);
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync(openssl, ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
