/** Loads configurations from files that exist only in the test. */
import { stringify } from 'yaml';
import { ConfigFault } from '../../src/config/fault.ts';
import { type Loaded, loadConfig, type Sources } from '../../src/config/load.ts';

/** Files that exist only in the test. */
export function disk(files: Readonly<Record<string, string>>): (path: string) => string {
  return (path) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
    return text;
  };
}

export function load(yaml: string, sources: Sources = {}): Loaded {
  return loadConfig({ environment: {}, read: disk({ 'config.yaml': yaml }), ...sources });
}

/** The fault with which it is refused. */
export function faultOf(yaml: string, sources: Sources = {}): ConfigFault {
  try {
    load(yaml, sources);
  } catch (error) {
    if (error instanceof ConfigFault) return error;
    throw error;
  }
  throw new Error('it was taken');
}

/** YAML with one value at a path: `server.port`. */
export function nested(key: string, value: unknown): string {
  return stringify(key.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value));
}
