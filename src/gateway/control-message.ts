/** What a client may ask (`proto/control.md`): text in, a request or a refusal out. */
import { channelNames } from '../wire/block-message.ts';
import { type Refusal, type RefusalCode, refusal } from './refusal.ts';

export type RequestId = string | number | undefined;

export type ControlRequest =
  | {
      readonly type: 'subscribe' | 'unsubscribe';
      readonly id: RequestId;
      readonly symbols: readonly string[];
      readonly channels: readonly number[] | undefined;
    }
  | { readonly type: 'ping'; readonly id: RequestId };

export interface RefusedRequest extends Refusal {
  readonly type: 'refused';
  /** As far as it could be read. */
  readonly id: RequestId;
}

const idTextMax = 64;
const channelByName = new Map(channelNames.map((name, index) => [name, index]));

export function parseControl(text: string, symbolsMax: number): ControlRequest | RefusedRequest {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return refused(undefined, refusal.notJson, 'this is not JSON');
  }
  if (typeof message !== 'object' || message === null || Array.isArray(message)) {
    return refused(undefined, refusal.notAnObject, 'a message is a JSON object with a "type"');
  }
  const { type, id, symbols, channels } = message as Record<string, unknown>;
  if (!isId(id))
    return refused(
      undefined,
      refusal.badId,
      `"id" is a whole number or a text of at most ${idTextMax} characters`,
    );
  if (type === 'ping') return { type, id };
  if (type !== 'subscribe' && type !== 'unsubscribe') {
    return refused(id, refusal.unknownType, `unknown type ${quoted(type)}: subscribe, unsubscribe or ping`);
  }
  if (!isTexts(symbols) || symbols.length === 0) {
    return refused(id, refusal.badSymbols, '"symbols" is a list of texts, at least one');
  }
  if (symbols.length > symbolsMax) {
    return refused(
      id,
      refusal.tooManySymbols,
      `${symbols.length} symbols in one request, at most ${symbolsMax}`,
    );
  }
  if (channels === undefined) return { type, id, symbols, channels };
  if (!isTexts(channels) || channels.length === 0) {
    return refused(id, refusal.badChannels, '"channels" is a list of texts, at least one');
  }
  const unknown = channels.find((name) => !channelByName.has(name));
  if (unknown !== undefined) {
    return refused(
      id,
      refusal.unknownChannel,
      `unknown channel ${quoted(unknown)}: ${channelNames.join(', ')}`,
    );
  }
  return { type, id, symbols, channels: [...new Set(channels.map((name) => channelByName.get(name)!))] };
}

export function refused(
  id: RequestId,
  code: RefusalCode,
  error: string,
  didYouMean?: readonly string[],
): RefusedRequest {
  return { type: 'refused', id, code, error, ...(didYouMean && didYouMean.length > 0 && { didYouMean }) };
}

/** A value of a client's, short enough to be quoted back. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 66 ? `${text.slice(0, 64)}…` : text;
}

function isId(value: unknown): value is RequestId {
  if (value === undefined) return true;
  return typeof value === 'string' ? value.length <= idTextMax : Number.isSafeInteger(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
