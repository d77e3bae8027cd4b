// The OpenAPI document as a judge: whether a real answer is one that the document promises. It also keeps which
// operations it has judged, so that a test can see that none was left out.
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import {
  JSON_TYPE,
  operationsOf,
  type Answer,
  type JsonSchema,
  type OpenApi,
} from '../../control/http/openapi/document.ts';

type Entry = ReturnType<typeof operationsOf>[number];

export class ApiContract {
  readonly document: OpenApi;
  /** `POST /api/services 201`, of each answer judged so far. */
  readonly judged = new Set<string>();
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(document: OpenApi) {
    this.document = document;
    formats.default(this.#ajv);
    for (const format of ['cidrv4', 'cidrv6']) this.#ajv.addFormat(format, true); // their patterns say it all
    this.#ajv.addSchema({ $id: 'api', components: document.components });
  }

  static async fetch(url: string): Promise<ApiContract> {
    return new ApiContract((await (await fetch(`${url}/api/openapi.json`)).json()) as OpenApi);
  }

  /** What is wrong with an answer; an empty list when the document promises it. */
  judge(method: string, url: string, status: number, body: unknown): string[] {
    const entry = this.#find(method, url);
    if (!entry) return [`the document has no ${method} ${url}`];
    const operation = `${method.toUpperCase()} ${entry.path}`;
    const answer = this.#answer(entry, status);
    if (!answer) return [`${operation} does not promise status ${status}`];
    this.judged.add(`${operation} ${status}`);
    const schema = answer.content?.[JSON_TYPE]?.schema;
    if (!schema) return body === null || body === undefined ? [] : [`${operation} ${status} promises no body`];
    return this.faultsOf(schema, body).map((fault) => `${operation} ${status}: ${fault}`);
  }

  /** What is wrong with a message that a webhook has sent. */
  judgeMessage(payload: unknown): string[] {
    const schema = this.document.webhooks?.['event']?.['post']?.requestBody?.content[JSON_TYPE]?.schema;
    return schema ? this.faultsOf(schema, payload) : ['the document tells of no messages'];
  }

  /** Where a value breaks a schema of the document. */
  faultsOf(schema: JsonSchema, value: unknown): string[] {
    const validate = this.#ajv.compile(absolute(schema));
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || 'body'} ${message ?? ''}`);
  }

  /** Operations of which no answer below 400 was judged. */
  get leftOut(): string[] {
    const done = [...this.judged].filter((line) => Number(line.split(' ')[2]) < 400);
    const operations = operationsOf(this.document).map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    return operations.filter((operation) => !done.some((line) => line.startsWith(`${operation} `)));
  }

  #find(method: string, url: string): Entry | undefined {
    const path = new URL(url, 'http://host').pathname;
    const fitting = operationsOf(this.document).filter(
      (entry) => entry.method === method.toLowerCase() && toPattern(entry.path).test(path),
    );
    // `/api/templates/import` is its own path as well as a `/api/templates/{id}`: the one with fewer gaps is meant.
    return fitting.toSorted((a, b) => a.path.split('{').length - b.path.split('{').length)[0];
  }

  #answer({ operation }: Entry, status: number): Answer | undefined {
    const { responses } = operation;
    const answer = responses[status] ?? (status >= 400 ? responses['default'] : undefined);
    const name = answer?.$ref?.replace('#/components/responses/', '');
    return name === undefined ? answer : this.document.components.responses?.[name];
  }
}

const toPattern = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{[^}]+\}/g, '[^/]+')}$`);

/** References of the document start at its top; those of a part of it must say so. */
const absolute = (schema: JsonSchema): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/')) as object;
