/**
 * Every key of config.yaml: its kind, its bounds, its default. Numbers that document 002 names are the defaults.
 * Durations are milliseconds here, sizes bytes. config.yaml says in words what each is for.
 */
import { z } from 'zod';
import { venues } from '../feeds/registry.ts';
import {
  bytes,
  duration,
  durationWithout,
  flag,
  list,
  oneOf,
  ringBytes,
  secret,
  section,
  slots,
  text,
  url,
  whole,
} from './leaf.ts';
import { backpackKeys, coinbaseKeys, venueKeys } from './venue-keys.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const KiB = 1_024;
const MiB = 1_024 * KiB;
const GiB = 1_024 * MiB;

/** Pairs against USDT that have been traded on Binance for years. */
const symbols = 'BTC ETH BNB SOL XRP ADA DOGE AVAX DOT LINK LTC TRX BCH ATOM UNI ETC XLM NEAR FIL AAVE'
  .split(' ')
  .map((base) => `${base}USDT`);

/** Of the three venues' prices in dollars and in the stablecoins next to them; parts that are not taken are left out. */
const indexes = ['BTC', 'ETH', 'SOL'].map(
  (base) =>
    `${base}USD = COINBASE:${base}-USD * 0.4 + BINANCE:${base}USDT * 0.4 + BACKPACK:${base}_USDC * 0.2`,
);

function matching(pattern: RegExp, rule: string) {
  return {
    rule,
    read: (given: unknown) => (typeof given === 'string' && pattern.test(given) ? given : undefined),
  };
}

const index = matching(
  /^[A-Z0-9]{2,20} = [A-Z]+:[A-Z0-9._-]+ \* \d+(\.\d+)?( \+ [A-Z]+:[A-Z0-9._-]+ \* \d+(\.\d+)?){1,15}$/,
  'names an index and its parts with their weights (BTCUSD = BINANCE:BTCUSDT * 0.5 + COINBASE:BTC-USD * 0.5)',
);
const origin = matching(/^(\*|https?:\/\/[^\s/?#]+)$/, 'is * or an origin (http://localhost:5173)');
const method = matching(/^[A-Z]{1,16}$/, 'is an HTTP method in capitals');
const header = matching(/^[A-Za-z0-9-]{1,64}$/, 'is the name of an HTTP header');

const server = section({
  host: text('0.0.0.0'),
  port: whole(8_080, 0, 65_535),
  readTimeout: duration(15 * second, second, hour),
  writeTimeout: duration(15 * second, second, hour),
  cors: section({
    allowed_origins: list(['http://localhost:5173'], 100, origin),
    allowed_methods: list(['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'], 20, method),
    allowed_headers: list(['Content-Type', 'Authorization'], 50, header),
    expose_headers: list(['X-Total-Count'], 50, header),
    allow_credentials: flag(true),
  }),
});

const exchange = section({
  ...venueKeys({
    venue: venues.binance,
    enabled: true,
    symbols,
    messageBytesMax: MiB,
    restBudget: 4_800,
    restBudgetWindow: minute,
    ping: 30 * second,
  }),
  reconnect_interval: durationWithout(1, hour).optional(),
  backoffMin: duration(second, 1, hour),
  backoffMax: duration(minute, 1, hour),
  trades: oneOf('trade', ['trade', 'aggTrade']),
  book: oneOf('changes', ['changes', '5', '10', '20', 'none']),
  micros: flag(false),
  refusedMax: whole(100, 1, 1_000_000),
  refusedWindow: duration(10 * second, 100, hour),
  futureTolerance: duration(minute, 0, 24 * hour),
  pastTolerance: duration(12 * hour, second, 365 * 24 * hour),
  answerTimeout: duration(10 * second, second, minute),
  overlap: duration(2 * second, 0, minute),
  balanceEvery: duration(10 * second, second, 10 * minute),
  busyRate: whole(2_000, 1, 1_000_000),
});

const workers = section({
  count: whole(4, 1, 64),
  queue: slots(10_000, 16, 2 ** 24),
  overflow: whole(131_072, 1_024, 2 ** 24),
  flushRecords: whole(4_096, 1, 2 ** 20),
  whenFull: oneOf('conflate', ['conflate', 'wait']),
  stuckAfter: duration(5 * second, 100, hour),
  reorderRecords: whole(32, 1, 32),
  reorderTime: duration(250, 0, minute),
});

const gateway = section({
  binary: flag(true),
  messageBytesMax: bytes(16_384, 256, 16 * MiB),
  messagesPerSecond: whole(50, 1, 100_000),
  symbolsPerRequest: whole(1_000, 1, 100_000),
  subscriptionsPerConnection: whole(10_000, 1, 1_000_000),
  connections: whole(20_000, 1, 1_000_000),
  softBytes: bytes(65_536, 0, 64 * MiB),
  outboxBytes: bytes(1_048_576, 4 * KiB, GiB),
  heartbeat: duration(5 * second, 100, hour),
  idleTimeout: duration(32 * second, 8 * second, 16 * minute),
  queriesInFlight: whole(1_000, 1, 1_000_000),
  queryTimeout: duration(5 * second, 10, hour),
  ringBytes: ringBytes(4_194_304, 64 * KiB, GiB),
});

const stores = section({
  commitRows: whole(5_000, 1, 1_000_000),
  commitEvery: duration(100, 1, minute),
  formingEvery: duration(second, 1, hour),
  quotes: oneOf('1s', ['1s', 'none', 'all']),
  ringBytes: ringBytes(8_388_608, 64 * KiB, GiB),
});

/** Document 002's sections of remote stores and bus: checked now, used by later versions (see notices.ts). */
const database = section({
  mysql: section({
    host: text('localhost'),
    port: whole(3_306, 1, 65_535),
    database: text('trading'),
    user: text('trading'),
    password: secret(''),
    max_open_conns: whole(25, 1, 10_000),
    max_idle_conns: whole(10, 0, 10_000),
    conn_max_lifetime: duration(5 * minute, second, 24 * hour),
  }),
  influx: section({
    url: url('http://localhost:8086', ['http', 'https']),
    token: secret(''),
    org: text('trading-org'),
    bucket: text('trading'),
    timeout: duration(5 * second, 1, hour),
  }),
});
const cache = section({
  redis: section({
    enabled: flag(false),
    addr: text('localhost:6379'),
    password: secret(''),
    db: whole(0, 0, 1_000),
    pool_size: whole(10, 1, 10_000),
    min_idle_conns: whole(5, 0, 10_000),
  }),
});
const messaging = section({
  nats: section({
    url: url('nats://localhost:4222', ['nats', 'tls', 'ws', 'wss']),
    client_name: text('trade-back'),
    cluster_id: text('trading-cluster'),
  }),
});

export const schema = z.strictObject({
  server,
  dataDir: text('data', 1_000),
  exchange,
  coinbase: section(coinbaseKeys),
  backpack: section(backpackKeys),
  demand: section({
    anySymbol: flag(true),
    linger: duration(minute, 0, 24 * hour),
    reconcileEvery: duration(5 * second, 100, hour),
    refreshEvery: duration(hour, 10 * second, 7 * 24 * hour),
  }),
  books: section({
    levels: whole(1_000, 20, 1_000),
    topLevels: whole(20, 1, 50),
    unwatchedLevels: whole(100, 5, 1_000),
    lowWater: whole(20, 1, 500),
  }),
  repair: section({
    enabled: flag(true),
    idsMax: whole(100_000, 1, 10_000_000),
    attempts: whole(8, 1, 1_000),
    giveUpAfter: duration(15 * minute, second, 24 * hour),
    tail: duration(2 * second, 0, minute),
    repeatEvery: duration(5 * second, 100, hour),
  }),
  quiet: section({ least: duration(second, 10, hour), most: duration(5 * minute, second, 24 * hour) }),
  index: section({
    definitions: list(indexes, 100, index),
    staleAfter: duration(10 * second, 100, hour),
    markPercent: whole(5, 1, 90),
    quarantineTimes: whole(50, 2, 1_000_000),
  }),
  workers,
  bars: section({
    enabled: flag(true),
    grace: duration(250, 0, second),
    formingEvery: duration(250, 1, minute),
    clock: duration(100, 1, 10 * second),
  }),
  enigma: section({ enabled: flag(true) }),
  frames: section({ v1Records: whole(50, 1, 65_535), v1Window: duration(50, 0, 10 * second) }),
  gateway,
  stores,
  log: section({
    level: oneOf('info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    format: oneOf('json', ['json', 'pretty']),
  }),
  database,
  cache,
  messaging,
});

type Frozen<T> = T extends object ? { readonly [Key in keyof T]: Frozen<T[Key]> } : T;

/** The checked configuration: durations in ms, sizes in bytes, ring sizes powers of two. Frozen to its depth. */
export type Config = Frozen<z.output<typeof schema>>;

/** Every key with its path (`server.port`), the groups included; `secret` when its value must not be shown. */
export function knownKeys(): ReadonlyMap<string, { readonly group: boolean; readonly secret: boolean }> {
  const known = new Map<string, { group: boolean; secret: boolean }>();
  gather(schema, '', known);
  return known;
}

function gather(
  part: z.core.$ZodType,
  path: string,
  known: Map<string, { group: boolean; secret: boolean }>,
): void {
  if (part instanceof z.ZodPipe) return gather(part.out, path, known);
  const group = part instanceof z.ZodObject;
  const inner = part instanceof z.ZodDefault ? part.unwrap() : part;
  if (path !== '') known.set(path, { group, secret: z.globalRegistry.get(inner)?.['secret'] === true });
  if (!group) return;
  const shape: Record<string, z.core.$ZodType> = part.shape;
  for (const [key, child] of Object.entries(shape))
    gather(child, path === '' ? key : `${path}.${key}`, known);
}
