#!/usr/bin/env node
/** The program `tickwire`: reads its arguments and runs one command. Exit codes: 0 fine, 2 asked wrongly, 1 our fault. */
import { readArguments, UsageFault, usage } from './cli/arguments.ts';
import { runDemo } from './cli/demo.ts';
import { runServe } from './cli/serve.ts';
import { version } from './cli/version.ts';
import { ConfigFault } from './config/fault.ts';

try {
  const command = readArguments(process.argv.slice(2));
  switch (command.name) {
    case 'serve':
      await runServe(command);
      break;
    case 'demo':
      await runDemo(command);
      break;
    case 'version':
      process.stdout.write(`tickwire ${version}\n`);
      break;
    case 'help':
      process.stdout.write(usage);
      break;
  }
} catch (error) {
  const asked = error instanceof UsageFault || error instanceof ConfigFault;
  process.stderr.write(`${asked ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = asked ? 2 : 1;
}
