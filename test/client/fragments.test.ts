/** Scenario 40: however TCP and WebSocket cut the bytes up, the client decodes the same. */
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, type TickwireClient } from '../../src/client/client.ts';
import type { Trade } from '../../src/market/tick.ts';
import { tradeAt } from '../../src/wire/decode-batch.ts';
import { opcode, type RawServer, rawServer, webSocketFrame, writeInPieces } from './raw-server.ts';
import { frameOf, gapOf, tradesOf } from './sample-blocks.ts';

let server: RawServer;
let client: TickwireClient;
let socket: Socket;
/** What the client saw, in order. */
let seen: (Trade | string)[];
let arrived: () => void = () => {};

beforeEach(async () => {
  server = await rawServer();
  client = connect(server.url, { pingEveryMs: 0 });
  socket = await server.client;
  const welcome = { type: 'welcome', protocol: 'v2', server: 'raw', version: '0', time: 0 };
  socket.write(webSocketFrame(Buffer.from(JSON.stringify(welcome)), opcode.text));
  await client.opened();
  seen = [];
  client.on('gap', ({ state, from, to }) => seen.push(`${state} ${from}-${to}`));
  client.on('fault', ({ reason }) => seen.push(reason));
  client.on('jump', ({ from, to }) => seen.push(`jump ${from}-${to}`));
  client.on('trades', (batch) => {
    for (let i = 0; i < batch.count; i++) seen.push(tradeAt(batch, i));
    arrived();
  });
});

afterEach(async () => {
  client.close();
  await server.close();
});

/** Waits until the client has seen `count` things. */
async function sawAtLeast(count: number): Promise<void> {
  while (seen.length < count) await new Promise<void>((resolve) => (arrived = resolve));
}

const frames = [
  frameOf(tradesOf([1, 2, 3])),
  frameOf(gapOf('gap', 4, 5), tradesOf([6])),
  frameOf(tradesOf(Array.from({ length: 60 }, (_, i) => 7 + i))),
];
const expected = [1, 2, 3, 'gap 4-5', ...Array.from({ length: 61 }, (_, i) => 6 + i)];
const idsSeen = (): (number | string)[] => seen.map((one) => (typeof one === 'string' ? one : one.id));

test('scenario 40: TCP segments of one byte', async () => {
  const bytes = Buffer.concat(frames.map((frame) => webSocketFrame(frame)));
  await writeInPieces(
    socket,
    [...bytes].map((byte) => Uint8Array.of(byte)),
  );
  await sawAtLeast(expected.length);
  expect(idsSeen()).toEqual(expected);
});

test('scenario 40: many frames in one segment', async () => {
  socket.write(Buffer.concat(frames.map((frame) => webSocketFrame(frame))));
  await sawAtLeast(expected.length);
  expect(idsSeen()).toEqual(expected);
});

test('scenario 40: one TCP cut at every byte position', async () => {
  const bytes = webSocketFrame(frameOf(tradesOf([1, 2, 3], { snapshot: true })));
  for (let cut = 1; cut < bytes.length; cut++) {
    await writeInPieces(socket, [bytes.subarray(0, cut), bytes.subarray(cut)]);
  }
  await sawAtLeast(3 * (bytes.length - 1));
  expect(idsSeen()).toEqual(Array.from({ length: bytes.length - 1 }, () => [1, 2, 3]).flat());
});

test('scenario 40: WebSocket fragments cut at every byte position, and of one byte each', async () => {
  const frame = frameOf(tradesOf([1, 2, 3], { snapshot: true }));
  for (let cut = 0; cut <= frame.length; cut++) {
    socket.write(webSocketFrame(frame.subarray(0, cut), opcode.binary, false));
    socket.write(webSocketFrame(frame.subarray(cut), opcode.continuation, true));
  }
  const last = frame.length - 1;
  frame.forEach((byte, i) => {
    socket.write(
      webSocketFrame(Uint8Array.of(byte), i === 0 ? opcode.binary : opcode.continuation, i === last),
    );
  });
  await sawAtLeast(3 * (frame.length + 2));
  expect(idsSeen()).toEqual(Array.from({ length: frame.length + 2 }, () => [1, 2, 3]).flat());
});
