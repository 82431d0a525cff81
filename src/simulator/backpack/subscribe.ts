/** Does what a client asks for; says nothing unless something is wrong with it. */
import type { Session } from '../session.ts';
import { errorText, readControl } from './control.ts';

export interface Desk {
  listed(symbol: string): boolean;
  /** Told of each stream before its new listener is added. */
  beforeSubscribe(stream: string): void;
}

export function answer(session: Session, text: string, desk: Desk): void {
  const control = readControl(text, (symbol) => desk.listed(symbol));
  for (const error of control.errors) say(session, error);
  if (control.kind === 'UNSUBSCRIBE') for (const stream of control.streams) session.unsubscribe(stream);
  if (control.kind === 'SUBSCRIBE') subscribe(session, control.streams, desk);
  session.flush();
}

function subscribe(session: Session, streams: readonly string[], desk: Desk): void {
  const fate = session.nextFate();
  if (fate === 'ignored') return;
  if (fate === 'refused') return say(session, errorText('overloaded'));
  const granted = fate === 'partly' ? streams.slice(0, Math.floor(streams.length / 2)) : streams;
  for (const stream of granted) {
    desk.beforeSubscribe(stream);
    session.subscribe(stream);
  }
}

function say(session: Session, text: string): void {
  if (!session.silent) session.sendText(text);
}
