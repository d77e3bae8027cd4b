// Keeps the edge of this host as control wants it: Caddy up, its routes on the containers as they are now, certificates
// there before the first visitor. Level-triggered: each round looks at everything and does what is missing; Docker's events
// and control's words only say when.
import { toLongshoreError, LongshoreError, type WireError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { EdgeState } from '#shared/protocol/edge-parts.ts';
import { sleep, type Clock } from '#shared/time.ts';
import type { AgentState } from '../state/open.ts';
import { startAskServer, type AskServer } from './ask-server.ts';
import { placeInside, type Caddy } from './caddy.ts';
import { toCaddyConfig, type CaddyPlace } from './caddy-config.ts';
import { Certificates } from './certificates.ts';
import { Flaws } from './flaws.ts';
import { observeEdge, type ObserveDeps, type Sight } from './observe.ts';
import { fitNames, toNameStatus, type NameStatus } from './status.ts';
import { wakeCertificate } from './wake.ts';

/** A burst of events is one round. */
const SETTLE_MS = 100;
/** In case an event was lost, and for certificates that are on their way. */
const SWEEP_MS = 30_000;
/** An edge that is ill does not hold up a deploy. */
const LEAVE_LIMIT_MS = 10_000;

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
  readonly #certificates: Certificates;
  readonly #flaws = new Flaws();
  /** Anybody may ask for any name: the whole state is not opened for each. */
  #hostnames: ReadonlySet<string> = new Set();
  #ask: AskServer | undefined;
  #cancelTimer = () => {};
  #round: Promise<void> | undefined;
  #isTouched = false;
  #looking: Promise<void> | undefined;
  #reported = '';

  constructor(deps: IngressDeps) {
    this.#deps = deps;
    const look = (hostname: string, signal: AbortSignal) => wakeCertificate(hostname, deps.ports.https, signal);
    const isRefused = (hostname: string) => this.#refusals.has(hostname);
    this.#certificates = new Certificates({ look, isRefused, clock: deps.clock });
  }

  /** Something may have changed. Safe to call at any time. */
  touch(): void {
    if (this.#round) this.#isTouched = true;
    else this.#after(SETTLE_MS);
  }

  /** Nobody new is sent to these containers when this returns: they are about to go. */
  async leave(containerIds: Iterable<string>): Promise<void> {
    for (const id of containerIds) this.#leaving.add(id);
    const limit = new AbortController();
    const told = Promise.resolve(this.#round).then(() => this.#turn());
    await Promise.race([told, sleep(this.#deps.clock, LEAVE_LIMIT_MS, limit.signal)]).finally(() => limit.abort());
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#cancelTimer();
    await this.#round;
    await this.#looking;
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
    this.#ask ??= await startAskServer({
      isOurs: (hostname) => this.#hostnames.has(hostname),
      mayIssue: (hostname) => this.#mayIssue(hostname),
      portFile: caddy.askPortFile,
      clock,
    });
    const sight = await observeEdge(this.#deps, state, this.#leaving);
    for (const id of this.#leaving) if (!sight.containers.has(id)) this.#leaving.delete(id);
    const place = placeInside({ httpPort: ports.http, httpsPort: ports.https, askUrl: this.#ask.url });
    this.#hostnames = new Set(state.routes.map(({ hostname }) => hostname));
    await caddy.pointTo([...this.#hostnames], sight.dials);
    await this.#apply(state, place);
    await caddy.forgetOthers([...this.#hostnames]);
    return sight;
  }

  async #apply(state: EdgeState, place: CaddyPlace): Promise<void> {
    for (;;) {
      const tried = this.#flaws.leaveOut(state);
      try {
        return await this.#deps.caddy.apply(toCaddyConfig({ state: tried, place }), this.#stop.signal);
      } catch (error) {
        if (!this.#flaws.learn(tried, error)) throw error;
      }
    }
  }

  /** With control away what it said last counts. */
  async #mayIssue(hostname: string): Promise<boolean> {
    const refusal = (await this.#deps.askControl(hostname)) ?? null;
    if (refusal === null) this.#refusals.delete(hostname);
    else this.#refusals.set(hostname, refusal);
    return refusal === null;
  }

  async #report(state: EdgeState, fault: WireError | null, sight: Sight | undefined): Promise<void> {
    const names = state.edge === 'none' ? [] : fitNames(state.routes.map((route) => this.#toName(route, sight)));
    const { transact, outbox } = this.#deps.state;
    const said = JSON.stringify([state.revision, fault, names]);
    if (said !== this.#reported) {
      const status = { revision: fault ? 0 : state.revision, fault, names, at: this.#deps.clock.now() };
      transact(() => outbox.append({ kind: 'edge.status', status }));
      this.#reported = said;
    }
    if (!fault) this.#look(this.#flaws.leaveOut(state));
  }

  #toName(route: EdgeState['routes'][number], sight: Sight | undefined): NameStatus {
    const { hostname, certificateId } = route;
    return toNameStatus({
      route,
      fault: sight?.faults.get(hostname),
      flaw: this.#flaws.find(certificateId),
      held: this.#certificates.find(hostname),
      refusal: this.#refusals.get(hostname),
      isMissing: this.#certificates.isMissing(hostname),
      project: this.#deps.caddy.project,
    });
  }

  /** Certificates are there before the first visitor, and what there is of them is told. */
  #look({ routes }: EdgeState): void {
    const hostnames = routes.filter(({ certificateId }) => certificateId === null).map(({ hostname }) => hostname);
    this.#looking ??= this.#certificates
      .look(hostnames, this.#stop.signal)
      .then((hasNews) => hasNews && this.touch())
      .then(() => undefined)
      .finally(() => (this.#looking = undefined));
  }
}
