// One question to one registry, with the token and the redirects it takes.
import { request, type Agent } from 'undici';
import { LongshoreError } from '#shared/errors.ts';
import type { Lookup } from '#shared/guarded-lookup.ts';
import type { RegistryLogin } from '#shared/model.ts';
import { readUpTo } from '#shared/read-up-to.ts';
import type { Clock } from '#shared/time.ts';
import { readChallenge, redirectUrl, tokenIn, tokenUrl } from './challenge.ts';
import { openDoor } from './doors.ts';
import type { Endpoint } from './endpoints.ts';
import type { Place } from './reference.ts';
import { digestOf, manifestOf, pauseOf, statusFault, type Subject } from './registry-answers.ts';

export interface ExchangeOptions {
  endpoint: Endpoint;
  place: Place;
  subject: Subject;
  /** Whether the registry itself is on a public address: then it leads to no other. */
  isPublic: boolean;
  certificates: string;
  lookup: Lookup;
  signal: AbortSignal;
  clock: Clock;
  /** The registry wants to be left alone for a while. */
  onPause: (ms: number) => void;
}

/** Indexes first: what a tag of several platforms is known by on the host. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');
/** A signed token with its claims takes a few KiB, an index of many platforms or a manifest of 500 layers below 100. */
const TEXT_LIMIT_BYTES = 256 * 1024;
/** Names in front of a registry lead to it at once. */
const MAX_REDIRECTS = 3;

interface Answer {
  status: number;
  header: (name: string) => string | undefined;
  text: string;
}

type Method = 'GET' | 'HEAD';
type Read = (answer: Answer, subject: Subject) => string;

interface Question {
  method: Method;
  url: URL;
  login: RegistryLogin | undefined;
  read: Read;
}

export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #own: Agent;
  readonly #other: Agent;

  constructor(options: ExchangeOptions) {
    const { endpoint, isPublic, certificates, lookup } = options;
    this.#options = options;
    this.#own = openDoor({ allowsPrivate: true, isTrusting: endpoint.isTrusting, certificates, lookup });
    const allowsPrivate = endpoint.isMirror || !isPublic;
    this.#other = openDoor({ allowsPrivate, isTrusting: false, certificates, lookup });
  }

  /** One question, once. Throws a LongshoreError for what was answered, anything else for a connection that failed. */
  fetchDigest(): Promise<string> {
    return this.#ask('HEAD', ({ status, header }, subject) =>
      digestOf(status, header('docker-content-digest'), subject),
    );
  }

  /** As fetchDigest; cut where it is longer than any we could use. */
  fetchManifest(): Promise<string> {
    return this.#ask('GET', ({ status, text }, subject) => manifestOf(status, text, subject));
  }

  async #ask(method: Method, read: Read): Promise<string> {
    const { endpoint, place, subject } = this.#options;
    const url = new URL(`v2/${place.repository}/manifests/${place.tag}`, endpoint.url);
    const login = endpoint.isMirror ? undefined : subject.login;
    try {
      return await this.#follow({ method, url, login, read }, MAX_REDIRECTS);
    } finally {
      await Promise.all([this.#own.destroy(), this.#other.destroy()]);
    }
  }

  async #follow(question: Question, redirectsLeft: number): Promise<string> {
    const { method, url, login, read } = question;
    const asked = { accept: MANIFESTS };
    let answer = await this.#send(method, url, asked);
    if (answer.status === 401) {
      const authorization = await this.#authorise(url, answer.header('www-authenticate') ?? '', login);
      answer = await this.#send(method, url, { ...asked, authorization });
    }
    const location = answer.header('location');
    if (answer.status >= 300 && answer.status < 400 && location !== undefined && redirectsLeft > 0) {
      const next = redirectUrl(url, location);
      const known = next.host === url.host ? login : undefined;
      return this.#follow({ ...question, url: next, login: known }, redirectsLeft - 1);
    }
    return read(answer, this.#subject(login));
  }

  /** What to send along. Throws where there is nothing to send. */
  async #authorise(url: URL, header: string, login: RegistryLogin | undefined): Promise<string> {
    const challenge = readChallenge(header);
    const basic = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString('base64')}`;
    if (challenge?.scheme !== 'bearer') {
      if (challenge && basic !== undefined) return basic;
      throw statusFault(401, this.#subject(undefined));
    }
    const at = tokenUrl({ challenge, registry: url, repository: this.#options.place.repository });
    const answer = await this.#send('GET', at, basic === undefined ? {} : { authorization: basic });
    if (answer.status !== 200) throw statusFault(answer.status, this.#subject(login));
    const token = tokenIn(answer.text);
    if (token !== undefined) return `Bearer ${token}`;
    const message = `Registry "${this.#options.place.server}" leads to a token server that gives no token`;
    throw new LongshoreError('egress_failed', { message });
  }

  async #send(method: Method, url: URL, headers: Record<string, string>): Promise<Answer> {
    const { endpoint, signal, clock, onPause } = this.#options;
    const dispatcher = url.host === endpoint.url.host ? this.#own : this.#other;
    const own = { 'accept-encoding': 'identity', 'user-agent': 'Longshore' };
    const { statusCode: status, ...reply } = await request(url, {
      dispatcher,
      method,
      signal,
      headers: { ...own, ...headers },
    });
    const { body } = await readUpTo(reply.body, TEXT_LIMIT_BYTES);
    const header = (name: string) => [reply.headers[name] ?? []].flat()[0];
    // A mirror's word is about itself: the registry is asked next.
    if (status === 429 && !endpoint.isMirror) onPause(pauseOf(header('retry-after'), clock.now()));
    return { status, header, text: body.toString('utf8') };
  }

  #subject = (login: RegistryLogin | undefined): Subject => ({ ...this.#options.subject, login });
}
