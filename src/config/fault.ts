/** The configuration cannot be used. The command line prints the message and exits with `exitCode`. */
export class ConfigFault extends Error {
  override readonly name = 'ConfigFault';
  readonly exitCode = 2;
  /** One line for each wrong key: the key, what was given and where, the rule. Empty for a fault of the file itself. */
  readonly problems: readonly string[];

  constructor(message: string, problems: readonly string[] = []) {
    super(message);
    this.problems = problems;
  }
}
