/** Faults that are ordered for the messages of a symbol. */
import { performance } from 'node:perf_hooks';
import type { Channel } from './channel.ts';
import type { FaultCommand } from './commands.ts';
import { connectionAt } from './connection-faults.ts';
import type { Dialect, Floor, VenueSource } from './dialect.ts';
import type { Dice } from './dice.ts';
import { garbage } from './garbage.ts';
import { type Rule, Script } from './script.ts';
import { SimulatorFault } from './simulator-fault.ts';
import type { StreamKind } from './tally.ts';

export type StreamCommand = Extract<
  FaultCommand,
  { kind: 'mute' | 'drop' | 'duplicate' | 'reorder' | 'crossed' | 'zeroTime' | 'price' | 'garbage' }
>;

const reorderSpan = 3;

/** @throws SimulatorFault when there is no such stream or connection */
export function commandStreams(command: StreamCommand, floor: Floor, source: VenueSource, dice: Dice): void {
  const session = command.connection === undefined ? undefined : connectionAt(command.connection, floor);
  const rewrite = rewriteOf(command, floor.dialect, source, dice);
  const nowMs = performance.now();
  for (const channel of channels(command.symbol, kindOf(command), floor)) {
    const script = (channel.script ??= new Script(channel, floor.tally));
    script.prune(nowMs);
    script.add({
      kind: command.kind,
      session,
      from: channel.count,
      to: channel.count + span(command),
      untilMs: command.kind === 'mute' ? nowMs + (command.forMs ?? Infinity) : Infinity,
      ...(rewrite === undefined ? {} : { rewrite }),
    });
  }
}

/** Undefined for all kinds of streams. */
function kindOf(command: StreamCommand): StreamKind | undefined {
  if (command.kind === 'crossed' || command.kind === 'zeroTime') return 'depth';
  return command.kind === 'mute' ? command.of : (command.of ?? 'trade');
}

function span(command: StreamCommand): number {
  if (command.kind === 'mute') return Infinity;
  return (command.count ?? 1) * (command.kind === 'reorder' ? reorderSpan : 1);
}

function channels(symbol: string, kind: StreamKind | undefined, { switchboard }: Floor): readonly Channel[] {
  const found = [...switchboard.channels.values()].filter(
    (channel) => channel.symbol === symbol && (kind === undefined || channel.kind === kind),
  );
  if (found.length > 0) return found;
  throw new SimulatorFault(
    `There is no stream of ${symbol} with ${kind ?? 'any'} messages; name one that is listed.`,
  );
}

function rewriteOf(
  command: StreamCommand,
  dialect: Dialect,
  source: VenueSource,
  dice: Dice,
): Rule['rewrite'] | undefined {
  if (command.kind === 'garbage') return (message) => garbage(dice, message);
  if (command.kind === 'price') return (message) => dialect.priced(message.toString(), command.factor);
  if (command.kind === 'zeroTime') {
    if (dialect.timeless === undefined)
      throw new SimulatorFault(`${dialect.name} never sends a time of zero; order it of coinbase.`);
    const { timeless } = dialect;
    return (message) => timeless(message.toString());
  }
  if (command.kind !== 'crossed') return undefined;
  return (message) => {
    const quote = source.view(command.symbol)?.quote();
    return quote === undefined ? message : dialect.crossed(message.toString(), quote);
  };
}
