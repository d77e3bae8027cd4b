// The client of an OpenAI-compatible endpoint: vLLM, llama.cpp, Ollama, LiteLLM, or OpenAI itself. Loaded at the first
// question. Retries what may pass (429, 5xx, a lost connection) and honours Retry-After; every question has an end.
import type OpenAI from 'openai';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';
import { answerSchema } from './answer.ts';
import type { Prompt } from './prompt.ts';
import type { AiConfig } from './settings.ts';

export interface EndpointLimits {
  /** Of one try: a large model on a small machine thinks for minutes. */
  tryMs: number;
  /** Of all tries together. */
  allMs: number;
  retries: number;
  /** Of an answer, as it is after decompression. */
  bytes: number;
  /** Of an answer; the largest proposal fits. */
  tokens: number;
}

export const ENDPOINT_LIMITS: EndpointLimits = {
  tryMs: 180_000,
  allMs: 300_000,
  retries: 2,
  bytes: 2 * 1024 * 1024,
  tokens: 32_768,
};

const MAX_REFUSAL_CHARS = 300;

export class Endpoint {
  readonly #config: AiConfig;
  readonly #clock: Clock;
  readonly #limits: EndpointLimits;

  constructor(config: AiConfig, clock: Clock, limits: Partial<EndpointLimits> = {}) {
    this.#config = config;
    this.#clock = clock;
    this.#limits = { ...ENDPOINT_LIMITS, ...limits };
  }

  /** The text of the answer. Throws `ai_unavailable`, `ai_failed`, or the signal's reason. */
  async ask(prompt: Prompt, signal: AbortSignal): Promise<string> {
    const stop = new AbortController();
    const late = new LongshoreError('ai_unavailable', { details: 'It did not answer in time' });
    const cancel = this.#clock.after(this.#limits.allMs, () => stop.abort(late));
    const stopped = AbortSignal.any([signal, stop.signal]);
    const library = await import('openai');
    try {
      return textOf(await this.#complete(library, prompt, stopped, (reason) => stop.abort(reason)));
    } catch (error) {
      stopped.throwIfAborted();
      throw toAiError(library, error);
    } finally {
      cancel();
    }
  }

  async #complete(
    { default: Client }: typeof import('openai'),
    { system, user }: Prompt,
    signal: AbortSignal,
    refuse: (reason: LongshoreError) => void,
  ): Promise<OpenAI.ChatCompletion> {
    const { baseUrl: baseURL, model, apiKey } = this.#config;
    const { tryMs: timeout, retries: maxRetries, bytes, tokens } = this.#limits;
    // Null where the library would look into the environment for more.
    const own = { organization: null, project: null, adminAPIKey: null, webhookSecret: null, logLevel: 'off' } as const;
    const fetch = boundedFetch(bytes, refuse);
    const client = new Client({ ...own, baseURL, apiKey: apiKey ?? 'none', timeout, maxRetries, fetch });
    const { zodResponseFormat } = await import('openai/helpers/zod');
    return client.chat.completions.create(
      {
        model,
        messages: [
          { role: 'system', content: system },
          { role: 'user', content: user },
        ],
        response_format: zodResponseFormat(answerSchema(), 'deployment'),
        max_completion_tokens: tokens,
      },
      { signal },
    );
  }
}

/** Reads no more than it has to, and follows no redirect: the API key goes to one place. */
function boundedFetch(limitBytes: number, refuse: (reason: LongshoreError) => void): typeof fetch {
  return async (input, init) => {
    const answer = await fetch(input, { ...init, redirect: 'manual' });
    let bytes = 0;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        bytes += chunk.byteLength;
        if (bytes <= limitBytes) return controller.enqueue(chunk);
        const error = new LongshoreError('ai_failed', { details: `Its answer is larger than ${limitBytes} bytes` });
        refuse(error);
        controller.error(error);
      },
    });
    const { status, headers } = answer;
    return new Response(answer.body?.pipeThrough(count) ?? null, { status, headers });
  };
}

function textOf({ choices }: Partial<OpenAI.ChatCompletion>): string {
  const choice = choices?.[0];
  if (choice?.finish_reason === 'length') throw failed('Its answer was cut off: the model may write too few tokens');
  const { content, refusal } = choice?.message ?? {};
  if (refusal) throw failed(`It refused: ${refusal.slice(0, MAX_REFUSAL_CHARS)}`);
  if (typeof content !== 'string' || content === '') throw failed('Its answer is empty');
  return content;
}

/** What an endpoint writes into its errors is not passed on: some repeat the API key. */
function toAiError({ APIError, APIConnectionError }: typeof import('openai'), error: unknown): LongshoreError {
  if (error instanceof LongshoreError) return error;
  if (error instanceof APIConnectionError) return unavailable('It cannot be reached, or did not answer in time', error);
  const status: unknown = error instanceof APIError ? error.status : undefined;
  if (status === 401 || status === 403) return failed('It refused the API key', error);
  if (typeof status === 'number' && (status === 429 || status >= 500))
    return unavailable(`It answered ${status}`, error);
  return failed(typeof status === 'number' ? `It answered ${status}` : 'It does not speak the OpenAI API', error);
}

const failed = (details: string, cause?: unknown): LongshoreError =>
  new LongshoreError('ai_failed', { details, ...(cause !== undefined && { cause }) });
const unavailable = (details: string, cause: unknown): LongshoreError =>
  new LongshoreError('ai_unavailable', { details, cause });
