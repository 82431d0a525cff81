/** JSON log lines as people read them: `12:00:00.123 WARN  message  key=value`. */
import type { DestinationStream } from 'pino';

export function prettyTo(out: DestinationStream): DestinationStream {
  return { write: (line) => out.write(prettyLine(line)) };
}

/** A line that is no JSON object is left as it is. */
export function prettyLine(line: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof parsed !== 'object' || parsed === null) return line;
  const { time = '', level = '', msg = '', ...fields } = parsed as Record<string, unknown>;
  const clock = String(time).slice(11, 23);
  const words = Object.entries(fields).map(([name, value]) => `${name}=${worded(value)}`);
  return `${[clock, String(level).toUpperCase().padEnd(5), String(msg), ...words].join(' ')}\n`;
}

function worded(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
