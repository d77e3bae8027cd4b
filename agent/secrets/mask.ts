// Takes a service's secrets out of what leaves its host: what jobs say and what its containers log. By value, because
// nobody can say where a program prints what it was given.
import type { ServiceSpec } from '#shared/model.ts';
import { formsOf } from './forms.ts';
import { Matcher } from './matcher.ts';

const MASK = Buffer.from('***');
/** A piece of a secret this long at the end of a text that was cut off is hidden as well. */
const MIN_CUT_BYTES = 4;

export class Mask {
  readonly #matcher: Matcher;

  constructor(secrets: readonly string[]) {
    this.#matcher = new Matcher(formsOf(secrets));
  }

  get isEmpty(): boolean {
    return this.#matcher.patterns.length === 0;
  }

  /** Whether any secret lies within [from, to). */
  hits(bytes: Uint8Array, from: number, to: number): boolean {
    return this.#matcher.find(bytes, from, to) !== undefined;
  }

  text(text: string): string {
    const bytes = Buffer.from(text);
    const masked = this.bytes(bytes, 0, bytes.length);
    return masked === undefined ? text : masked.toString('utf8');
  }

  /** The same of a text that may end in the middle of a secret. */
  cutText(text: string): string {
    const bytes = Buffer.from(text);
    return this.bytes(bytes, 0, bytes.length, true)?.toString('utf8') ?? text;
  }

  /** The bytes with each secret replaced; undefined when there is none. `isCut`: a secret may be cut off by their end. */
  bytes(bytes: Uint8Array, from: number, to: number, isCut = false): Buffer | undefined {
    const kept: Uint8Array[] = [];
    let at = from;
    for (let match = this.#matcher.find(bytes, at, to); match; ) {
      const { start } = match;
      let { end } = match;
      // One that begins within another would else leave its rest behind.
      for (match = this.#matcher.find(bytes, start + 1, to); match && match.start < end; ) {
        end = Math.max(end, match.end);
        match = this.#matcher.find(bytes, match.start + 1, to);
      }
      kept.push(bytes.subarray(at, start), MASK);
      at = end;
    }
    const end = isCut ? Math.max(at, this.#endBeforeCut(bytes, from, to)) : to;
    if (end === to && at === from) return undefined;
    kept.push(bytes.subarray(at, end));
    if (end < to) kept.push(MASK);
    return Buffer.concat(kept);
  }

  /** Up to where bytes that come in pieces may be shown: nothing that follows can make a secret of what is before. */
  settledEnd(bytes: Uint8Array, from: number, to: number): number {
    const end = this.#endBeforeCut(bytes, from, to, 1);
    let group = { start: from, end: from };
    for (let match = this.#matcher.find(bytes, from, to); match && match.start < end; ) {
      group = match.start < group.end ? { ...group, end: Math.max(group.end, match.end) } : match;
      if (group.end > end) return group.start;
      match = this.#matcher.find(bytes, match.start + 1, to);
    }
    return end;
  }

  /** Where the beginning of a secret starts that the end of the text cuts off; `to` when there is none. */
  #endBeforeCut(bytes: Uint8Array, from: number, to: number, minBytes = MIN_CUT_BYTES): number {
    let end = to;
    for (const pattern of this.#matcher.patterns) {
      for (let at = Math.max(from, to - pattern.length + 1); at <= to - minBytes && at < end; at++) {
        if (beginsWith(bytes, at, to, pattern)) end = at;
      }
    }
    return end;
  }
}

function beginsWith(bytes: Uint8Array, at: number, to: number, pattern: Uint8Array): boolean {
  for (let i = at; i < to; i++) if (bytes[i] !== pattern[i - at]) return false;
  return true;
}

/** Undefined where there is nothing to hide, so that it costs nothing. */
export function createMask(secrets: readonly string[]): Mask | undefined {
  const mask = new Mask(secrets);
  return mask.isEmpty ? undefined : mask;
}

/** A text that may end in the middle of a secret. */
export const maskCut = (text: string, secrets: readonly string[]): string => createMask(secrets)?.cutText(text) ?? text;

/** All a host knows of a service that must not be shown. */
export function secretsOf({
  variables,
  secretNames,
  literalSecrets = [],
  registries = [],
  git,
}: ServiceSpec): string[] {
  const named = secretNames.map((name) => variables[name] ?? '');
  const logins = [...registries, ...(git?.login ? [git.login] : [])];
  const keys = git?.deployKey === undefined ? [] : [git.deployKey];
  return [...named, ...literalSecrets, ...logins.map(({ password }) => password), ...keys];
}

/** The mask as it is now: a service may get new secrets while its log is followed. */
export type FindMask = () => Mask | undefined;

export interface SecretSource {
  /** Changes when any service's secrets may have. */
  readonly secretsVersion: number;
  /** Those of now and of before. */
  secretsOf(serviceId: string): string[];
}

export function followMask(source: SecretSource, serviceId: string): FindMask {
  let version: number | undefined;
  let mask: Mask | undefined;
  return () => {
    if (version !== source.secretsVersion) {
      version = source.secretsVersion;
      mask = createMask(source.secretsOf(serviceId));
    }
    return mask;
  };
}
