// Under which names and addresses this control plane may be called. Pure.
import { isIP } from 'node:net';

/** What listens on every address of the machine. */
const ANY_ADDRESS = ['0.0.0.0', '::'];
const HOST_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;

export interface Reachable {
  listenHost: string;
  publicUrl: string | null;
  /** Of this machine. */
  hostname: string;
  addresses: readonly string[];
}

/** Good on one link only, and never typed. */
const LINK_LOCAL = /^fe[89ab]/i;

/** Each once; the one that people use first. */
export function namesOf({ listenHost, publicUrl, hostname, addresses }: Reachable): string[] {
  const outside = ANY_ADDRESS.includes(listenHost) ? [hostname, ...addresses] : [listenHost];
  const publicHost = publicUrl === null ? [] : [new URL(publicUrl).hostname.replace(/^\[(.*)\]$/, '$1')];
  const names = [...publicHost, ...outside, 'localhost', '127.0.0.1', '::1'];
  return [...new Set(names)].filter(isName);
}

const isName = (name: string): boolean => (isIP(name) === 0 ? HOST_NAME.test(name) : !LINK_LOCAL.test(name));
