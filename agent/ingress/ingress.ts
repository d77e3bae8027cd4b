// Keeps the edge of this host as control wants it: Caddy up, its routes on the containers as they are now, certificates
// there before the first visitor. Level-triggered: each round looks at everything and does what is missing; Docker's events
// and control's words only say when.
import { toLongshoreError, LongshoreError, type WireError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { EdgeState, EdgeStatus } from '#shared/protocol/edge-parts.ts';
import type { Clock } from '#shared/time.ts';
import type { AgentState } from '../state/open.ts';
import { startAskServer, type AskServer } from './ask-server.ts';
import { placeInside, type Caddy } from './caddy.ts';
import { toCaddyConfig } from './caddy-config.ts';
import { findCertificate } from './certificates.ts';
import { observeEdge, type ObserveDeps, type Sight } from './observe.ts';
import { wakeCertificate } from './wake.ts';

/** A burst of events is one round. */
const SETTLE_MS = 100;
/** In case an event was lost, and for certificates that are on their way. */
const SWEEP_MS = 30_000;
/** At a time: each waits for an authority. */
const WAKES_AT_ONCE = 4;

type NameStatus = EdgeStatus['names'][number];

export interface IngressDeps extends ObserveDeps {
  state: Pick<AgentState, 'edge' | 'outbox' | 'transact'>;
  caddy: Caddy;
  ports: { http: number; https: number };
  /** Undefined: control cannot be asked. Null: it may; else why not. */
  askControl: (hostname: string) => Promise<string | null | undefined>;
  clock: Clock;
  log: Logger;
}

export class Ingress {
  readonly #deps: IngressDeps;
  readonly #stop = new AbortController();
  readonly #leaving = new Set<string>();
  /** Why no certificate is asked for under a name. */
  readonly #refusals = new Map<string, string>();
  readonly #failed = new Set<string>();
  #ask: AskServer | undefined;
  #cancelTimer = () => {};
  #round: Promise<void> | undefined;
  #isTouched = false;
  #waking: Promise<void> | undefined;
  #reported = '';

  constructor(deps: IngressDeps) {
    this.#deps = deps;
  }

  /** Something may have changed. Safe to call at any time. */
  touch(): void {
    this.#after(SETTLE_MS);
  }

  /** Nobody new is sent to these containers when this returns: they are about to go. */
  async leave(containerIds: Iterable<string>): Promise<void> {
    for (const id of containerIds) this.#leaving.add(id);
    await this.#round;
    await this.#turn();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelTimer();
    await this.#round;
    await this.#waking;
    await this.#ask?.close();
  }

  #after(ms: number): void {
    this.#cancelTimer();
    if (this.#stop.signal.aborted) return;
    this.#cancelTimer = this.#deps.clock.after(ms, () => void this.#turn());
  }

  /** One round at a time; what happens meanwhile makes another. */
  #turn(): Promise<void> {
    if (this.#round) {
      this.#isTouched = true;
      return this.#round;
    }
    this.#round = this.#run().finally(() => {
      this.#round = undefined;
      const isTouched = this.#isTouched;
      this.#isTouched = false;
      this.#after(isTouched ? SETTLE_MS : SWEEP_MS);
    });
    return this.#round;
  }

  async #run(): Promise<void> {
    const state = this.#deps.state.edge.find();
    if (!state || this.#stop.signal.aborted) return;
    let fault: WireError | null = null;
    let sight: Sight | undefined;
    try {
      sight = state.edge === 'none' ? await this.#takeDown() : await this.#putInPlace(state);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      if (!(error instanceof LongshoreError)) this.#deps.log.warn({ err: error }, 'the edge is not as it should be');
      fault = toLongshoreError(error).toWire();
    }
    await this.#report(state, fault, sight);
  }

  async #takeDown(): Promise<undefined> {
    await this.#deps.caddy.takeDown();
    await this.#ask?.close();
    this.#ask = undefined;
  }

  async #putInPlace(state: EdgeState): Promise<Sight> {
    const { caddy, ports, clock } = this.#deps;
    this.#ask ??= await startAskServer({ mayIssue: (hostname) => this.#mayIssue(hostname), clock });
    const sight = await observeEdge(this.#deps, state, this.#leaving);
    for (const id of this.#leaving) if (!sight.containers.has(id)) this.#leaving.delete(id);
    const place = placeInside({ httpPort: ports.http, httpsPort: ports.https, askUrl: this.#ask.url });
    await caddy.apply(toCaddyConfig({ state, dials: sight.dials, place }), this.#stop.signal);
    return sight;
  }

  /** With control away what it said last counts. */
  async #mayIssue(hostname: string): Promise<boolean> {
    const isOurs = this.#deps.state.edge.find()?.routes.some((route) => route.hostname === hostname) ?? false;
    if (!isOurs) return false;
    const refusal = (await this.#deps.askControl(hostname)) ?? null;
    if (refusal === null) this.#refusals.delete(hostname);
    else this.#refusals.set(hostname, refusal);
    return refusal === null;
  }

  async #report(state: EdgeState, fault: WireError | null, sight: Sight | undefined): Promise<void> {
    const names =
      state.edge === 'none' ? [] : await Promise.all(state.routes.map((route) => this.#toName(route, sight)));
    const { transact, outbox } = this.#deps.state;
    const said = JSON.stringify([state.revision, fault, names]);
    if (said !== this.#reported) {
      const status = { revision: fault ? 0 : state.revision, fault, names, at: this.#deps.clock.now() };
      transact(() => outbox.append({ kind: 'edge.status', status }));
      this.#reported = said;
    }
    if (!fault) this.#wake(names);
  }

  async #toName(
    { hostname, certificateId }: EdgeState['routes'][number],
    sight: Sight | undefined,
  ): Promise<NameStatus> {
    const fault = sight?.faults.get(hostname) ?? null;
    if (certificateId !== null) return { hostname, fault, certificate: { ...NOTHING, state: 'issued' } };
    const held = await findCertificate(this.#deps.caddy.stateDir, hostname);
    if (held) return { hostname, fault, certificate: { ...NOTHING, ...held, state: 'issued' } };
    const refusal = this.#refusals.get(hostname);
    if (refusal !== undefined)
      return { hostname, fault, certificate: { ...NOTHING, state: 'pending', error: refusal } };
    const isFailed = this.#failed.has(hostname);
    return { hostname, fault, certificate: isFailed ? FAILED : { ...NOTHING, state: 'pending' } };
  }

  #wake(names: readonly NameStatus[]): void {
    const missing = names.filter(({ certificate }) => certificate.state !== 'issued').map(({ hostname }) => hostname);
    if (missing.length === 0) return;
    this.#waking ??= this.#wakeAll(missing).finally(() => (this.#waking = undefined));
  }

  async #wakeAll(hostnames: readonly string[]): Promise<void> {
    const left = [...hostnames];
    const wake = async () => {
      for (let name = left.shift(); name !== undefined && !this.#stop.signal.aborted; name = left.shift()) {
        const isThere = await wakeCertificate(name, this.#deps.ports.https, this.#stop.signal);
        if (isThere) this.#failed.delete(name);
        else if (!this.#refusals.has(name)) this.#failed.add(name);
      }
    };
    await Promise.all(Array.from({ length: WAKES_AT_ONCE }, wake));
    if (hostnames.some((name) => !this.#failed.has(name) && !this.#refusals.has(name))) this.touch();
  }
}

const NOTHING = { state: 'none' as const, issuer: null, notAfter: null, error: null };
const FAILED = {
  ...NOTHING,
  state: 'failed' as const,
  error: 'No certificate was given: docker logs longshore-edge-caddy-1 says why',
};
