/** Which known key was meant? */

/** The candidate that `given` most likely meant, or undefined when none is near. */
export function nearest(given: string, candidates: Iterable<string>): string | undefined {
  const meant = plain(given);
  const ownName = plain(lastPart(given));
  let best: string | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const whole = plain(candidate);
    const name = plain(lastPart(candidate));
    const same = distance(meant, whole);
    // The right name in the wrong group ("port" for "server.port") counts as one slip more.
    const moved = 1 + distance(ownName, name);
    const near = Math.min(
      same <= slips(meant) ? same : Infinity,
      moved - 1 <= slips(ownName) ? moved : Infinity,
    );
    if (near < bestCost) {
      bestCost = near;
      best = candidate;
    }
  }
  return best;
}

/** How many slips of the finger a word of this length may have. */
function slips(word: string): number {
  return Math.min(3, Math.floor(word.length / 3));
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** Case and separators make no difference: `max-connections`, `maxConnections` and `MAX_CONNECTIONS` are one. */
function plain(name: string): string {
  return name.slice(0, 100).toLowerCase().replaceAll(/[-_]/g, '');
}

/** Letters to add, drop, change or swap with their neighbour (optimal string alignment). */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = above[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      let least = Math.min(change, above[column]! + 1, current[column - 1]! + 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, before[column - 2]! + 1);
      current.push(least);
    }
    before = above;
    above = current;
  }
  return above[b.length]!;
}
