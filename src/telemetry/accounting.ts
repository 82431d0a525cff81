/**
 * Conservation: what goes into a stage comes out of it, or is counted by the reason why not.
 *
 *   feeds: parsed = accepted + refused (by reason) + ignored
 */

/** A count, or counts by reason. */
export type Count = bigint | number | Readonly<Record<string, bigint | number>>;

export interface Stage {
  readonly name: string;
  readonly in: Readonly<Record<string, Count>>;
  readonly out: Readonly<Record<string, Count>>;
}

/** In less out: 0n when the equation holds, positive when something was lost, negative when something was made up. */
export function balance(stage: Stage): bigint {
  return total(stage.in) - total(stage.out);
}

function total(counts: Stage['in']): bigint {
  return Object.values(counts).reduce<bigint>((sum, count) => sum + sumOf(count), 0n);
}

function sumOf(count: Count): bigint {
  if (typeof count !== 'object') return BigInt(count);
  return Object.values(count).reduce<bigint>((sum, part) => sum + BigInt(part), 0n);
}

/** All stages as lines, with a tick or what is missing, and a last line that says whether all balance. */
export function accountsText(stages: readonly Stage[]): string {
  const widest = Math.max(0, ...stages.map(({ name }) => name.length + 1));
  const lines = stages.map((stage) => `${`${stage.name}:`.padEnd(widest)} ${equation(stage)}`);
  const wrong = stages.filter((stage) => balance(stage) !== 0n).length;
  const verdict =
    wrong === 0
      ? `all ${stages.length} stages balance ✓`
      : `${wrong} of ${stages.length} stages do not balance ✗`;
  return [...lines, verdict].join('\n');
}

function equation(stage: Stage): string {
  const difference = balance(stage);
  const verdict =
    difference === 0n
      ? '✓'
      : difference > 0n
        ? `✗ ${grouped(difference)} missing`
        : `✗ ${grouped(-difference)} too many`;
  return `${side(stage.in)} = ${side(stage.out)} ${verdict}`;
}

function side(counts: Stage['in']): string {
  const terms = Object.entries(counts).map(
    ([name, count]) => `${name} ${grouped(sumOf(count))}${reasons(count)}`,
  );
  return terms.length === 0 ? '0' : terms.join(' + ');
}

/** The reasons that were counted at all: ` (price 3, size 1)`. */
function reasons(count: Count): string {
  if (typeof count !== 'object') return '';
  const counted = Object.entries(count).filter(([, part]) => BigInt(part) !== 0n);
  return counted.length === 0
    ? ''
    : ` (${counted.map(([name, part]) => `${name} ${grouped(BigInt(part))}`).join(', ')})`;
}

/** 1234567 as `1,234,567`, whatever the machine's locale. */
function grouped(count: bigint): string {
  return String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}
