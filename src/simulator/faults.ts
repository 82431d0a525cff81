/** Scripted faults: which ones, and how likely each is for one message. */
import { SimulatorFault } from './simulator-fault.ts';
import { type FaultKind, faultKinds } from './tally.ts';

/** Chance of each fault, from 0 to 1, for each message of each connection. */
export type FaultPlan = Readonly<Partial<Record<FaultKind, number>>>;

const defaultChance: Readonly<Record<FaultKind, number>> = {
  drop: 0.001,
  duplicate: 0.002,
  reorder: 0.002,
  disconnect: 0.00005,
  silence: 0.00002,
  garbage: 0.001,
};

/** Reads `drop,duplicate:0.01,garbage` into a plan. */
export function parseFaults(text: string): FaultPlan {
  const plan: Partial<Record<FaultKind, number>> = {};
  for (const part of text.split(',')) {
    const word = part.trim();
    if (word === '') continue;
    const [name = '', chance] = word.split(':');
    if (!isFaultKind(name)) {
      throw new SimulatorFault(
        `"${name}" is no fault; use some of ${faultKinds.join(', ')}, as in "drop,duplicate:0.01".`,
      );
    }
    plan[name] = chance === undefined ? defaultChance[name] : parseChance(name, chance);
  }
  return plan;
}

function isFaultKind(name: string): name is FaultKind {
  return (faultKinds as readonly string[]).includes(name);
}

function parseChance(name: string, text: string): number {
  const chance = Number(text);
  if (text.trim() === '' || !(chance >= 0 && chance <= 1)) {
    throw new SimulatorFault(
      `"${text}" is no chance for the fault "${name}"; give a number from 0 to 1, as in "${name}:0.01".`,
    );
  }
  return chance;
}
