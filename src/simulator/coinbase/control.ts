/**
 * What a client asks for: `{"type":"subscribe","product_ids":[…],"channels":["ticker",{"name":…,"product_ids":[…]}]}`.
 * What cannot be granted is answered with an error each, what can be is granted all the same, and a list of all
 * subscriptions follows (so the venue was recorded).
 */
import { errorText } from './messages.ts';

export const channelNames = [
  'ticker',
  'ticker_batch',
  'matches',
  'heartbeat',
  'level2_batch',
  'level2',
] as const;
export type ChannelName = (typeof channelNames)[number];

/** Channels that exist, and that nobody gets here. */
const closedChannels: readonly string[] = ['full', 'level3', 'user', 'status', 'auctionfeed', 'balance'];
const authReason =
  'level2, level3, and full channels now require authentication. https://docs.cloud.coinbase.com/exchange/docs/websocket-auth';

export interface Wish {
  readonly channel: ChannelName;
  readonly product: string;
}

export interface Control {
  readonly kind: 'subscribe' | 'unsubscribe' | 'refused';
  readonly wishes: readonly Wish[];
  /** Whole error messages, to be sent before the list of subscriptions. */
  readonly errors: readonly string[];
}

export interface Rules {
  listed(product: string): boolean;
  /** Undefined when the request is signed as it must be. */
  signatureFault(request: Readonly<Record<string, unknown>>): string | undefined;
  /** Products that the client has of this channel, for an unsubscribe that names none. */
  subscribed(channel: ChannelName): Iterable<string>;
}

export function readControl(text: string, rules: Rules): Control {
  let request: unknown;
  try {
    request = JSON.parse(text);
  } catch {
    return refused(errorText('Malformed JSON'));
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request))
    return refused(errorText('Malformed JSON'));
  const { type, channels, product_ids: products } = request as Record<string, unknown>;
  if (type !== 'subscribe' && type !== 'unsubscribe')
    return refused(errorText('Failed to subscribe', `${wordOf(type)} is not a valid type`));
  const shared = namesOf(products ?? []);
  if (shared === undefined) return refused(errorText('Failed to subscribe', 'product_ids must be a list'));
  const wanted = readChannels(channels, shared, type);
  if (typeof wanted === 'string') return refused(errorText('Failed to subscribe', wanted));
  const reading: Reading = { wishes: [], errors: [], rules, request: request as Record<string, unknown> };
  for (const [name, names] of wanted) {
    if (type === 'subscribe') grant(reading, name, names);
    else withdraw(reading, name, names);
  }
  return { kind: type, wishes: reading.wishes, errors: reading.errors };
}

interface Reading {
  readonly wishes: Wish[];
  readonly errors: string[];
  readonly rules: Rules;
  readonly request: Readonly<Record<string, unknown>>;
}

function grant(reading: Reading, name: string, products: readonly string[]): void {
  const { rules, errors } = reading;
  if (closedChannels.includes(name) || name === 'level2') {
    const fault = name === 'level2' ? rules.signatureFault(reading.request) : 'missing';
    if (fault !== undefined) {
      errors.push(
        fault === 'missing'
          ? errorText('Failed to subscribe', authReason)
          : errorText('Authentication Failed', JSON.stringify({ message: fault })),
      );
      return;
    }
  }
  if (!isChannel(name)) {
    errors.push(errorText('Failed to subscribe', `${name} is not a valid channel`));
    return;
  }
  if (products.length === 0) errors.push(errorText('Failed to subscribe', `no product_ids for ${name}`));
  for (const product of products) {
    if (rules.listed(product)) reading.wishes.push({ channel: name, product });
    else errors.push(errorText('Failed to subscribe', `${product} is not a valid product`));
  }
}

function withdraw({ rules, wishes, errors }: Reading, name: string, products: readonly string[]): void {
  if (!isChannel(name)) {
    errors.push(errorText('Failed to unsubscribe', `${name} is not a valid channel`));
    return;
  }
  const all = products.length > 0 ? products : rules.subscribed(name);
  for (const product of all) wishes.push({ channel: name, product });
}

/** Each channel asked for and its products; a sentence where the list makes no sense. */
function readChannels(
  channels: unknown,
  shared: readonly string[],
  type: 'subscribe' | 'unsubscribe',
): readonly (readonly [string, readonly string[]])[] | string {
  if (channels === undefined && type === 'unsubscribe')
    return channelNames.map((name) => [name, shared] as const);
  if (!Array.isArray(channels) || channels.length === 0) return 'channels must be a list';
  const out: (readonly [string, readonly string[]])[] = [];
  for (const each of channels as readonly unknown[]) {
    if (typeof each === 'string') {
      out.push([each, shared]);
      continue;
    }
    const { name, product_ids: products } = (each ?? {}) as Record<string, unknown>;
    const names = namesOf(products ?? shared);
    if (typeof name !== 'string' || names === undefined)
      return 'a channel is a name, or an object with a name';
    out.push([name, names]);
  }
  return out;
}

function namesOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((name) => typeof name === 'string') ? value : undefined;
}

export function isChannel(name: string): name is ChannelName {
  return (channelNames as readonly string[]).includes(name);
}

function wordOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
}

function refused(error: string): Control {
  return { kind: 'refused', wishes: [], errors: [error] };
}

/** level2_batch goes by the name level2_50 in the venue's answers (recorded in 2026). */
const shownNames: Readonly<Partial<Record<ChannelName, string>>> = { level2_batch: 'level2_50' };

export function subscriptionsText(subscriptions: ReadonlyMap<ChannelName, ReadonlySet<string>>): string {
  const channels: object[] = [];
  for (const [name, products] of subscriptions) {
    if (products.size === 0) continue;
    channels.push({ name: shownNames[name] ?? name, product_ids: [...products], account_ids: null });
  }
  return JSON.stringify({ type: 'subscriptions', channels });
}

/** The name of a stream within the simulator. */
export function streamOf(channel: ChannelName, product: string): string {
  return `${channel}:${product}`;
}
