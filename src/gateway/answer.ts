/** What an HTTP route answers with. */

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As the query thread's answers say. */
const jsonType = 'application/json; charset=utf-8';

export function json(body: unknown, status = 200): Answer {
  return {
    status,
    contentType: jsonType,
    body: JSON.stringify(body),
    headers: noStore,
  };
}

/** An error as problem+json (RFC 9457), with the text as `error` too, which document 000 and 002 clients read. */
export function problem(
  status: number,
  error: string,
  more: object = {},
  headers: Record<string, string> = {},
): Answer {
  const body = JSON.stringify({
    type: 'about:blank',
    title: statusText(status),
    status,
    detail: error,
    error,
    ...more,
  });
  return { status, contentType: 'application/problem+json', body, headers: { ...noStore, ...headers } };
}

const noStore = { 'cache-control': 'no-store' };

const texts: Record<number, string> = {
  200: 'OK',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  426: 'Upgrade Required',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export function statusText(status: number): string {
  return texts[status] ?? 'Status';
}
