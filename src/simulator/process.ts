/**
 * The simulator as a process of its own: options as JSON in the first argument, talk with the parent over IPC.
 * It ends when it is told to, or when its parent is gone.
 */
import type { Simulator, SimulatorOptions } from './options.ts';
import type { SimulatorCommand, SimulatorMessage } from './protocol.ts';
import { startSimulator } from './simulator.ts';
import { SimulatorFault } from './simulator-fault.ts';

const faultExitCode = 2;

function tell(message: SimulatorMessage): void {
  if (process.connected) process.send?.(message);
}

function readOptions(): SimulatorOptions {
  try {
    return JSON.parse(process.argv[2] ?? '{}') as SimulatorOptions;
  } catch (error) {
    throw new SimulatorFault(
      'The first argument is no JSON; give the options of the simulator as one JSON object.',
      { cause: error },
    );
  }
}

/** Does what was ordered, and answers with the order's id. */
function obey(simulator: Simulator, { id, command }: Extract<SimulatorCommand, { kind: 'command' }>): void {
  try {
    simulator.command(command);
    tell({ kind: 'done', id });
  } catch (error) {
    if (!(error instanceof SimulatorFault)) throw error;
    tell({ kind: 'done', id, refusal: error.message });
  }
}

async function leave(simulator: Simulator | undefined, code: number): Promise<void> {
  await simulator?.close();
  process.exitCode = code;
  if (process.connected) process.disconnect();
}

async function main(): Promise<void> {
  const simulator = await startSimulator(readOptions());
  const { wsUrl, restUrl, listing, venues, range } = simulator;
  let leaving = false;
  const end = (): void => {
    if (leaving) return;
    leaving = true;
    void leave(simulator, 0);
  };
  process.on('message', (command: SimulatorCommand) => {
    if (command.kind === 'start') simulator.start();
    else if (command.kind === 'command') obey(simulator, command);
    else if (command.kind === 'report') tell({ kind: 'report', report: simulator.report() });
    else end();
  });
  process.on('disconnect', end);
  process.on('SIGTERM', end);
  process.on('SIGINT', () => {
    if (!process.connected) end(); // a terminal sends it to the whole group: a parent decides when we end
  });
  tell({ kind: 'ready', wsUrl, restUrl, listing, venues, ...(range === undefined ? {} : { range }) });
  simulator.finished.then(
    (report) => tell({ kind: 'finished', report }),
    (error: Error) => {
      tell({ kind: 'fault', message: error.message });
      end();
    },
  );
}

try {
  await main();
} catch (error) {
  tell({ kind: 'fault', message: error instanceof Error ? error.message : String(error) });
  if (!(error instanceof SimulatorFault)) throw error;
  if (!process.connected) process.stderr.write(`${error.message}\n`);
  await leave(undefined, faultExitCode);
}
