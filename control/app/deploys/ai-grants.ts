// Leave to ask the AI once, for a plan that control itself has asked a host for. A job is known to control and may ask by
// its id; a plan leaves nothing behind, so its request brings a secret along that is good until the request is over.
import { randomBytes } from 'node:crypto';
import { LongshoreError } from '#shared/errors.ts';
import type { Clock } from '#shared/time.ts';

/** The host has to fetch before and to weigh afterwards, and whoever asked for the plan waits about a minute. */
const ANSWER_LIMIT_MS = 45_000;
const TOKEN_BYTES = 24;

export interface AiGrant {
  /** For the host that is asked. */
  token: string;
  /** Ends the leave, and the question that is under way. */
  close(): void;
}

interface Open {
  hostId: string;
  project: string;
  isUsed: boolean;
  over: AbortController;
}

export class AiGrants {
  readonly #clock: Clock;
  readonly #open = new Map<string, Open>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `project`: the name of the service that is planned. */
  open(hostId: string, project: string): AiGrant {
    const token = randomBytes(TOKEN_BYTES).toString('base64url');
    const over = new AbortController();
    this.#open.set(token, { hostId, project, isUsed: false, over });
    const cancel = this.#clock.after(ANSWER_LIMIT_MS, () => over.abort(tooSlow()));
    return {
      token,
      close: () => {
        cancel();
        this.#open.delete(token);
        over.abort(new LongshoreError('state_conflict', { message: 'The plan is over' }));
      },
    };
  }

  /** Once. Throws `not_found`, also for another host's. The signal ends with the plan, or when that gets too late. */
  use(hostId: string, token: string): { project: string; signal: AbortSignal } {
    const grant = this.#open.get(token);
    if (grant?.hostId !== hostId || grant.isUsed)
      throw new LongshoreError('not_found', { message: 'No plan of this host may ask the AI' });
    grant.isUsed = true;
    return { project: grant.project, signal: grant.over.signal };
  }
}

/** What to do where a model is slower than a plan may be. */
export const SLOW_PLAN = 'Deploy it with "review": true instead: a job waits longer, and stops at its plan';

const tooSlow = (): LongshoreError =>
  new LongshoreError('ai_unavailable', {
    message: 'The AI did not answer within the time of a plan',
    details: SLOW_PLAN,
  });
