/** Parameters of a REST request, checked as the venue checks them. */

/** A refusal in the venue's words: HTTP status, code and message. */
export class RestRefusal extends Error {
  readonly status: number;
  readonly code: number;

  constructor(code: number, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

export class Query {
  readonly #values: URLSearchParams;

  constructor(values: URLSearchParams) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    return this.#values.get(name) ?? undefined;
  }

  required(name: string): string {
    const value = this.#values.get(name);
    if (value === null || value === '') {
      throw new RestRefusal(
        -1102,
        `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`,
      );
    }
    return value;
  }

  /** A whole number of 0 or more, or undefined when it was not sent. */
  whole(name: string): number | undefined {
    const value = this.#values.get(name);
    if (value === null) return undefined;
    if (value === '') throw new RestRefusal(-1105, `Parameter '${name}' was empty.`);
    if (!/^\d{1,16}$/.test(value)) {
      throw new RestRefusal(
        -1100,
        `Illegal characters found in parameter '${name}'; legal range is '^[0-9]{1,20}$'.`,
      );
    }
    return Number(value);
  }

  /** A limit: what was sent, at most `most`; `usual` when nothing was. */
  limit(usual: number, most: number): number {
    const value = this.whole('limit') ?? usual;
    if (value === 0) throw new RestRefusal(-1130, "Data sent for parameter 'limit' is not valid.");
    return Math.min(value, most);
  }

  /** Names from ?symbol=X or ?symbols=["X","Y"]; undefined when neither was sent. */
  symbols(): readonly string[] | undefined {
    const one = this.text('symbol');
    const many = this.text('symbols');
    if (one !== undefined && many !== undefined) {
      throw new RestRefusal(-1128, 'Combination of optional parameters invalid.');
    }
    if (one !== undefined) return [one];
    if (many === undefined) return undefined;
    let names: unknown;
    try {
      names = JSON.parse(many);
    } catch {
      names = undefined;
    }
    if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
      throw new RestRefusal(
        -1100,
        `Illegal characters found in parameter 'symbols'; legal range is '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$'.`,
      );
    }
    return names;
  }
}
