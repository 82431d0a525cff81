/** Does what a client asks for, and tells it so. */
import type { Session } from '../session.ts';
import {
  type ChannelName,
  type Control,
  channelNames,
  type Rules,
  readControl,
  streamOf,
  subscriptionsText,
  type Wish,
} from './control.ts';
import { errorText } from './messages.ts';

/** What a connection was told that it has; one may lie to it. */
type Told = Map<ChannelName, Set<string>>;

export interface Desk {
  listed(product: string): boolean;
  signatureFault: Rules['signatureFault'];
  /** What a new subscriber hears first, if anything. */
  welcome(channel: ChannelName, product: string): string | undefined;
}

export function answer(session: Session, text: string, desk: Desk): void {
  const told = (session.notes ??= emptyTold()) as Told;
  const control = readControl(text, {
    listed: (product) => desk.listed(product),
    signatureFault: (request) => desk.signatureFault(request),
    subscribed: (channel) => told.get(channel)!,
  });
  for (const error of control.errors) say(session, error);
  if (control.kind === 'subscribe') subscribe(session, control, told, desk);
  if (control.kind === 'unsubscribe') {
    for (const { channel, product } of control.wishes) {
      session.unsubscribe(streamOf(channel, product));
      told.get(channel)!.delete(product);
    }
    say(session, subscriptionsText(told));
  }
  session.flush();
}

function subscribe(session: Session, { wishes }: Control, told: Told, desk: Desk): void {
  const fate = session.nextFate();
  if (fate === 'ignored') return;
  if (fate === 'refused') return say(session, errorText('Failed to subscribe', 'server overloaded'));
  const granted = fate === 'partly' ? wishes.slice(0, Math.floor(wishes.length / 2)) : wishes;
  for (const { channel, product } of wishes) told.get(channel)!.add(product);
  const fresh = granted.filter((wish) => !session.streams.has(nameOf(wish)));
  if (fate !== 'unanswered') say(session, subscriptionsText(told));
  for (const wish of fresh) {
    const first = desk.welcome(wish.channel, wish.product);
    session.subscribe(nameOf(wish));
    if (first !== undefined) say(session, first);
  }
}

function nameOf({ channel, product }: Wish): string {
  return streamOf(channel, product);
}

function say(session: Session, text: string): void {
  if (!session.silent) session.sendText(text);
}

function emptyTold(): Told {
  return new Map(channelNames.map((name) => [name, new Set<string>()]));
}
