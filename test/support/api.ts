// A client as a script would write one: a key, a URL, JSON both ways. Shared by end-to-end tests and benchmarks.
import { eventually } from './eventually.ts';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

export interface Job {
  id: string;
  state: string;
  error: { code: string; message: string; details?: string } | null;
  failed_step: string | null;
  unchanged?: boolean;
}

const JOB_ENDS = ['succeeded', 'failed', 'cancelled', 'expired', 'superseded'];

export class Api {
  readonly url: string;
  readonly key: string;

  constructor(url: string, key: string) {
    this.url = url;
    this.key = key;
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : {}) as T };
  }

  get = <T = Record<string, unknown>>(path: string) => this.call<T>('GET', path);
  post = <T = Record<string, unknown>>(path: string, body?: unknown, headers?: Record<string, string>) =>
    this.call<T>('POST', path, body, headers);
  delete = (path: string) => this.call('DELETE', path);

  /** The job once it has ended; a control plane that is away meanwhile is waited for. */
  jobEnd(id: string, timeoutMs = 60_000): Promise<Job> {
    const fetchJob = async () => (await this.get<Job>(`/api/jobs/${id}`)).body;
    return eventually(fetchJob, { until: (job) => JOB_ENDS.includes(job.state), timeoutMs });
  }

  /** A message stream: `messages` grows as they arrive. */
  live(path: string): { messages: Record<string, unknown>[]; socket: WebSocket; opened: Promise<void> } {
    const separator = path.includes('?') ? '&' : '?';
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}${path}${separator}api_key=${this.key}`);
    const messages: Record<string, unknown>[] = [];
    socket.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data))));
    const opened = new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve());
      socket.addEventListener('error', () => reject(new Error(`no WebSocket at ${path}`)));
    });
    return { messages, socket, opened };
  }
}
