// A client whose every answer is held against the OpenAPI document.
import type { Test } from 'tap';
import type { ApiContract } from './api-contract.ts';
import type { Up } from './up.ts';

export type Body = Record<string, unknown>;

export class Judged {
  readonly contract: ApiContract;
  readonly #up: Up;
  readonly #t: Test;

  constructor(t: Test, up: Up, contract: ApiContract) {
    this.#t = t;
    this.#up = up;
    this.contract = contract;
  }

  /** The body of an answer with this status; `headers` replace the key. */
  async call(
    method: string,
    path: string,
    status: number,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Body> {
    const answer = await fetch(this.#up.url + path, {
      method,
      headers: {
        ...(headers ?? { authorization: `Bearer ${this.#up.key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const parsed: unknown = text === '' ? null : JSON.parse(text);
    this.#t.equal(answer.status, status, `${method} ${path}: ${text.slice(0, 300)}`);
    this.judge(method, path, answer.status, parsed);
    return (parsed ?? {}) as Body;
  }

  judge(method: string, path: string, status: number, body: unknown): void {
    this.#t.strictSame(this.contract.judge(method, path, status, body), [], `${method} ${path} ${status}`);
  }
}
