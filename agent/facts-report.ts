// Tells control when facts about the host have changed since it was last told.
import type { Scope } from '#shared/lifecycle.ts';
import type { Logger } from '#shared/log.ts';
import type { HostFacts } from '#shared/model.ts';
import { sleep, type Clock } from '#shared/time.ts';
import { isNews } from './host.ts';
import type { AgentState } from './state/open.ts';

/** Placement asks for the host with most free memory; a minute old is good enough for that. */
const LOOK_EVERY_MS = 60_000;

export interface FactsReportDeps {
  state: Pick<AgentState, 'outbox' | 'transact'>;
  collect: () => Promise<HostFacts>;
  clock: Clock;
  log: Logger;
}

export interface FactsReport {
  /** Facts for a hello: control is told by them, so they are what later ones are compared with. */
  describe: () => Promise<HostFacts>;
  /** Something has changed: looks now. */
  touch: () => void;
}

export function startFactsReport({ state, collect, clock, log }: FactsReportDeps, scope: Scope): FactsReport {
  let told: HostFacts | undefined;
  const tell = async () => {
    const facts = await collect();
    if (!told || !isNews(told, facts)) return;
    told = facts;
    state.transact(() => state.outbox.append({ kind: 'host.facts', facts, at: clock.now() }));
  };
  const look = () =>
    tell().catch((error: unknown) => log.warn({ err: error }, 'could not read the facts of this host'));
  scope.run('host facts', async (signal) => {
    for (;;) {
      await sleep(clock, LOOK_EVERY_MS, signal);
      await look();
    }
  });
  return { describe: async () => (told = await collect()), touch: () => void look() };
}

/** Adds since when Docker has been away, as far as anybody has looked. */
export function withOutage(collect: () => Promise<HostFacts>, clock: Clock): () => Promise<HostFacts> {
  let since: number | null = null;
  return async () => {
    const facts = await collect();
    since = facts.dockerVersion === null ? (since ?? clock.now()) : null;
    return { ...facts, dockerAwaySince: since };
  };
}
