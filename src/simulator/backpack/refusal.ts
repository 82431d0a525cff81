/** A refusal in the venue's words: HTTP status, code and message. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A whole number of 0 or more, or undefined when it was not sent. */
export function whole(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^\d{1,15}$/.test(value)) throw new Refusal(400, 'INVALID_CLIENT_REQUEST', `Invalid ${name}`);
  return Number(value);
}
