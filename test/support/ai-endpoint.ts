// An OpenAI-compatible endpoint on a real socket that answers as the test has scripted it, one line a request.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';

/** What the model writes, as the strict schema names it. */
export interface ModelAnswer {
  compose: string;
  dockerfile: string | null;
  variables: { name: string; value: string | null; purpose: string }[];
  port: number | null;
  health_path: string | null;
  reasons: string[];
}

export interface ModelRequest {
  path: string;
  headers: IncomingMessage['headers'];
  text: string;
  body: {
    model: string;
    messages: { role: string; content: string }[];
    response_format: { type: string; json_schema: { strict: boolean; schema: Record<string, unknown> } };
  };
}

type Play = (response: ServerResponse, request: ModelRequest) => void;

export const answerOf = (answer: Partial<ModelAnswer> = {}): ModelAnswer => ({
  compose: 'services:\n  web:\n    image: longshore-test/web:1\n',
  dockerfile: null,
  variables: [],
  port: null,
  health_path: null,
  reasons: ['it is a web server'],
  ...answer,
});

/** A whole completion, with what the model wrote in it. */
export const writes =
  (answer: Partial<ModelAnswer> = {}): Play =>
  (response) =>
    sendChoice(response, { finish_reason: 'stop', message: { content: JSON.stringify(answerOf(answer)) } });

export const says =
  (content: string | null, more: { refusal?: string; finishReason?: string } = {}): Play =>
  (response) =>
    sendChoice(response, {
      finish_reason: more.finishReason ?? 'stop',
      message: { content, refusal: more.refusal ?? null },
    });

export const fails =
  (status: number, headers: Record<string, string> = {}): Play =>
  (response) =>
    void response.writeHead(status, headers).end('{"error":{"message":"canary-error-text"}}');

/** Takes the request and never answers. */
export const hangs: Play = () => undefined;

function sendChoice(response: ServerResponse, choice: object): void {
  response.setHeader('content-type', 'application/json');
  const completion = {
    id: 'c1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, ...choice }],
  };
  response.end(JSON.stringify(completion));
}

export class AiEndpoint {
  readonly url: string;
  readonly requests: ModelRequest[] = [];
  #script: Play[] = [];

  constructor(url: string) {
    this.url = url;
  }

  /** What the next requests get, in order; the last line goes on for all that follow. */
  script(...plays: Play[]): void {
    this.#script = plays;
  }

  /** What the model was told last: the task, and the repository. */
  get lastPrompt(): { system: string; user: string } {
    const { messages = [] } = this.requests.at(-1)?.body ?? {};
    return { system: messages[0]?.content ?? '', user: messages[1]?.content ?? '' };
  }

  play(request: ModelRequest, response: ServerResponse): void {
    this.requests.push(request);
    const [play = fails(500)] = this.#script;
    if (this.#script.length > 1) this.#script.shift();
    play(response, request);
  }
}

export async function startAiEndpoint(t: Test): Promise<AiEndpoint> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = new AiEndpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
  server.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const body = JSON.parse(text) as ModelRequest['body'];
      endpoint.play({ path: request.url ?? '', headers: request.headers, text, body }, response);
    });
  });
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return endpoint;
}
