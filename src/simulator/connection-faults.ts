/** Faults that are ordered for whole connections. */
import type { FaultCommand, WhichConnection } from './commands.ts';
import type { Floor } from './dialect.ts';
import type { Dice } from './dice.ts';
import type { Session } from './session.ts';
import { SimulatorFault } from './simulator-fault.ts';

type ConnectionCommand = Extract<FaultCommand, { kind: 'kill' | 'shutdown' | 'silence' }>;

/** Of the frame that is begun and never finished. */
const tornBytes = 64;

export function commandConnections(
  command: ConnectionCommand,
  floor: Floor,
  dice: Dice,
  nowMs: number,
): void {
  for (const session of connections(command.connection, floor, dice)) {
    floor.tally.commands[command.kind]++;
    if (command.kind === 'kill') kill(session, command.how ?? 'cut');
    else if (command.kind === 'silence') session.silence(command.forMs ?? Infinity);
    else shutDown(session, floor, command.afterMs, nowMs);
  }
}

/** One connection by its place, which must exist. */
export function connectionAt(place: number, { switchboard }: Floor): Session {
  const session = [...switchboard.sessions][place];
  if (session !== undefined) return session;
  throw new SimulatorFault(
    `There is no connection ${place}; ${switchboard.sessions.size} are open, counted from 0.`,
  );
}

function connections(which: WhichConnection, floor: Floor, dice: Dice): readonly Session[] {
  const open = [...floor.switchboard.sessions];
  if (which === 'all') return open;
  if (which !== 'random') return [connectionAt(which, floor)];
  return open.length === 0 ? [] : [open[dice.below(open.length)]!];
}

function kill(session: Session, how: 'cut' | 'close' | 'midframe'): void {
  if (how === 'cut') session.cut('command');
  else if (how === 'close') session.close(1001, 'command');
  else session.breakOff(Buffer.alloc(tornBytes, 'x'), 'command');
}

function shutDown(session: Session, { dialect }: Floor, afterMs: number, nowMs: number): void {
  const notice = dialect.shutdownNotice(session, Math.floor(nowMs));
  if (notice !== undefined) session.sendText(notice);
  session.flush();
  setTimeout(() => session.close(1001, 'server shutdown'), afterMs).unref();
}
