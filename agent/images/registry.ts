// Asks registries what a tag stands for now, by the distribution spec: HEAD of the manifest, because Docker Hub counts
// a GET as a pull; and for manifests themselves. Nothing of an image is fetched.
//
// The name of an image is a stranger's word, and so is all that a registry says. So nothing is asked where Docker would
// not ask it, and never at a link-local address; a registry on a public address leads to public addresses only; a login
// goes to the token server that the registry itself names, never along with a redirect; all answers have limits.
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { promisify } from 'node:util';
import { isAddress, isCallable } from '#shared/address.ts';
import { toCallFault } from '#shared/call-fault.ts';
import { LongshoreError } from '#shared/errors.ts';
import type { Lookup } from '#shared/guarded-lookup.ts';
import type { RegistryLogin } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import { endpointsOf, type RegistrySettings } from './endpoints.ts';
import { Exchange } from './exchange.ts';
import { apiHostOf, manifestPlaceOf, placeOf, type Place } from './reference.ts';
import { pausedFault, type Subject } from './registry-answers.ts';

export interface RegistriesDeps {
  /** Docker's own settings for registries. */
  fetchSettings: () => Promise<RegistrySettings>;
  clock: Clock;
  /** Default: where Docker keeps the certificates of single registries. */
  certificates?: string;
  /** Default: the system's resolver, as Docker uses it. */
  lookup?: Lookup;
  /** Default DEADLINE_MS. */
  deadlineMs?: number;
}

export interface ManifestQuestion {
  image: string;
  login: RegistryLogin | undefined;
  digest?: string | undefined;
}

interface Question {
  place: Place;
  image: string;
  login: RegistryLogin | undefined;
  fetch: (exchange: Exchange) => Promise<string>;
}

/** A manifest, a token and a redirect or two; each takes well below a second. */
const DEADLINE_MS = 15_000;
const CERTIFICATES = '/etc/docker/certs.d';

export class Registries {
  readonly #deps: RegistriesDeps;
  /** By server: until when it is left alone. */
  readonly #pauses = new Map<string, number>();

  constructor(deps: RegistriesDeps) {
    this.#deps = deps;
  }

  /**
   * The digest that the name stands for. Throws `image_unavailable`, `registry_login_failed`, `rate_limited`,
   * `egress_denied`, `egress_failed`, `timed_out`, each with a message that says all.
   */
  async fetchDigest(image: string, login: RegistryLogin | undefined, signal: AbortSignal): Promise<string> {
    const place = placeOf(image);
    if (!place) throw new LongshoreError('bad_request', { message: `"${image}" names no tag` });
    return this.#ask({ place, image, login, fetch: (exchange) => exchange.fetchDigest() }, signal);
  }

  /**
   * The manifest or index that the name stands for, as its registry writes it, or the one with `digest` beside it. Throws
   * as fetchDigest does. Docker Hub counts it as a pull.
   */
  async fetchManifest({ image, login, digest }: ManifestQuestion, signal: AbortSignal): Promise<string> {
    const place = manifestPlaceOf(image, digest);
    if (!place) throw new LongshoreError('bad_request', { message: `"${image}" is not the name of an image` });
    return this.#ask({ place, image, login, fetch: (exchange) => exchange.fetchManifest() }, signal);
  }

  async #ask(question: Question, signal: AbortSignal): Promise<string> {
    const { place } = question;
    this.#requireNoPause(place.server);
    const deadline = AbortSignal.timeout(this.#deps.deadlineMs ?? DEADLINE_MS);
    try {
      return await this.#tryEndpoints(question, AbortSignal.any([deadline, signal]));
    } catch (error) {
      signal.throwIfAborted();
      throw deadline.aborted ? late(place.server) : asFault(place.server, error);
    }
  }

  async #tryEndpoints({ place, image, login, fetch }: Question, signal: AbortSignal): Promise<string> {
    const subject: Subject = { server: place.server, image, login };
    const { certificates = CERTIFICATES, clock, fetchSettings } = this.#deps;
    const lookup = lookingOnce(this.#deps.lookup ?? systemLookup);
    const addresses = await resolve(lookup, hostOf(place.server));
    const isPublic = addresses.some((address) => isCallable(address, { allowsPrivate: false }));
    const onPause = (ms: number) => void this.#pauses.set(place.server, clock.elapsed() + ms);
    const common = { place, subject, certificates, lookup, signal, isPublic, clock, onPause };
    let fault: unknown;
    for (const endpoint of endpointsOf(place.server, addresses, await fetchSettings())) {
      try {
        return await fetch(new Exchange({ ...common, endpoint }));
      } catch (error) {
        // An insecure registry may speak no TLS at all; what it has said itself counts.
        const mayGoOn = endpoint.isMirror || (endpoint.isTrusting && !(error instanceof LongshoreError));
        if (!mayGoOn || signal.aborted) throw error;
        fault = error;
      }
    }
    throw fault;
  }

  #requireNoPause(server: string): void {
    if ((this.#pauses.get(server) ?? 0) > this.#deps.clock.elapsed()) throw pausedFault(server);
    this.#pauses.delete(server);
  }
}

const hostOf = (server: string): string => new URL(`https://${apiHostOf(server)}`).hostname.replace(/^\[|\]$/g, '');

/** A name that changes its mind is connected to where it was judged to be. */
function lookingOnce(lookup: Lookup): Lookup {
  const known = new Map<string, LookupAddress[]>();
  return (name, options, done) => {
    const found = known.get(name);
    if (found) return done(null, found);
    lookup(name, options, (error, addresses) => {
      if (!error) known.set(name, addresses);
      done(error, addresses);
    });
  };
}

async function resolve(lookup: Lookup, host: string): Promise<string[]> {
  if (isAddress(host)) return [host];
  const found = await promisify(lookup)(host, { all: true });
  return found.map(({ address }) => address);
}

const late = (server: string) =>
  new LongshoreError('timed_out', { message: `Registry "${server}" did not answer in time` });

/** What the connection says, with the registry's name to it. */
function asFault(server: string, error: unknown): LongshoreError {
  if (error instanceof LongshoreError) return error;
  const { code, message } = toCallFault(error);
  return new LongshoreError(code, { message: `Registry "${server}": ${message}`, cause: error });
}
