// What control is told of healing: events of the timeline, without the service's secrets. Inside the caller's transaction.
import type { ContainerEnd } from '#shared/model.ts';
import type { Clock } from '#shared/time.ts';
import { redactorOf } from '../jobs/redact.ts';
import type { AgentState } from '../state/open.ts';

/** The schema's limits are a little higher. */
const LINE_CHARS = 1_000;
const MESSAGE_CHARS = 4_000;

export class HealingEvents {
  readonly #state: Pick<AgentState, 'services' | 'outbox'>;
  readonly #clock: Clock;

  constructor(state: Pick<AgentState, 'services' | 'outbox'>, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
  }

  heal(serviceId: string, status: 'restarted' | 'restart_failed' | 'gave_up', text: string, end?: ContainerEnd): void {
    const redact = redactorOf(this.#state.services.secretsOf(serviceId));
    const clip = (line: string) => redact(line).slice(0, LINE_CHARS);
    this.#append(serviceId, {
      type: 'heal',
      status,
      message: redact(text).slice(0, MESSAGE_CHARS),
      ...(end && { end: { ...end, lastLines: end.lastLines.map(clip) } }),
    });
  }

  oom(serviceId: string, name: string, exitCode: number | null): void {
    const message = `A process of ${name} was killed: out of memory`;
    const end = { exitCode, oomKilled: true, lastLines: [] };
    this.#append(serviceId, { type: 'oom_killed', status: 'killed', message, end });
  }

  #append(serviceId: string, event: { type: string; status: string; message: string; end?: ContainerEnd }): void {
    this.#state.outbox.append({ kind: 'service.event', serviceId, ...event, at: this.#clock.now() });
  }
}
