/** Keeps secrets and floods out of the log: fields by name, credentials in URLs, and a bound on length and depth. */

const hidden = '[hidden]';
const secretName =
  /pass(?:word|phrase)?$|secret|token|authorization|cookie|api_?key|private_?key|credential/i;
const textMax = 2_000;
const itemsMax = 50;
const depthMax = 5;

/** A copy of `fields` that may be printed. */
export function printable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return printableGroup(fields, 0);
}

function printableGroup(group: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(group);
  const kept = entries
    .slice(0, itemsMax)
    .map(([name, value]) => [
      name,
      secretName.test(name) && value !== undefined && value !== null
        ? hidden
        : printableValue(value, depth + 1),
    ]);
  if (entries.length > itemsMax) kept.push(['more', entries.length - itemsMax]);
  return Object.fromEntries(kept);
}

function printableValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return printableText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > depthMax) return '[deeper]';
  if (value instanceof Date) return value;
  if (value instanceof Error) return printableError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    const kept = value.slice(0, itemsMax).map((item) => printableValue(item, depth + 1));
    return value.length > itemsMax ? [...kept, `and ${value.length - itemsMax} more`] : kept;
  }
  return printableGroup(value, depth);
}

function printableError(error: Error, depth: number): Record<string, unknown> {
  return {
    type: error.name,
    message: printableText(error.message),
    stack: printableText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: printableValue(error.cause, depth + 1) }),
    ...printableGroup(error, depth),
  };
}

/** Text without the credentials of URLs, cut when it is long. */
export function printableText(text: string): string {
  const short = text.length > textMax ? `${text.slice(0, textMax)}... (${text.length} characters)` : text;
  return short
    .replaceAll(/:\/\/[^\s/@"']*@/g, `://${hidden}@`)
    .replaceAll(/([?&](?:token|signature|api_?key|listen_?key|password)=)[^&\s"']+/gi, `$1${hidden}`);
}
