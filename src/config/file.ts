/** Reads the YAML file and `.env`: one clear sentence when either cannot be read. */
import { readFileSync, statSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { parseDocument } from 'yaml';
import type { Environment } from './environment.ts';
import { ConfigFault } from './fault.ts';

const fileBytesMax = 1_048_576;

/** The text of a file; throws Node's own errors (ENOENT, EACCES, EISDIR). */
export type ReadText = (path: string) => string;

export function readText(path: string): string {
  const { size } = statSync(path);
  if (size > fileBytesMax) throw new Error(`it has ${size} bytes, more than ${fileBytesMax}`);
  return readFileSync(path, 'utf8');
}

/** The text, or undefined when there is no such file. */
function textIfThere(path: string, read: ReadText): string | undefined {
  try {
    return read(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const reason =
      code === 'EACCES' || code === 'EPERM'
        ? 'its permissions forbid it'
        : code === 'EISDIR'
          ? 'it is a folder'
          : error instanceof Error
            ? error.message
            : String(error);
    throw new ConfigFault(`${path} cannot be read: ${reason}`);
  }
}

/**
 * The keys and values of a YAML file.
 * @param askedBy what named the file (`CONFIG_PATH`, `--config`): then it must exist; otherwise it may be absent
 */
export function readYaml(path: string, read: ReadText, askedBy?: string): Readonly<Record<string, unknown>> {
  const text = textIfThere(path, read);
  if (text === undefined) {
    if (askedBy === undefined) return {};
    throw new ConfigFault(`${path}, which ${askedBy} names as the configuration, does not exist`);
  }
  const value = parseYaml(path, text);
  if (value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return { ...value };
  const kind = Array.isArray(value) ? 'a list' : 'a single value';
  throw new ConfigFault(`${path} must hold keys with values, but holds ${kind}`);
}

function parseYaml(path: string, text: string): unknown {
  try {
    const document = parseDocument(text);
    // A warning is an unknown tag, say `!!js/function`: no value that we could take.
    const [first] = [...document.errors, ...document.warnings];
    if (first !== undefined) throw first;
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigFault(`${path} is not valid YAML: ${reason.split('\n')[0]!.replace(/:$/, '')}`);
  }
}

/** The variables of `.env` under those of the process, whose word is last. */
export function withDotEnv(environment: Environment, read: ReadText): Environment {
  const text = textIfThere('.env', read);
  return text === undefined ? environment : { ...parseEnv(text), ...environment };
}
