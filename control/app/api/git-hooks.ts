// Push hooks as the app layer offers them.
import type { Caller } from './caller.ts';

/** What the host of a repository sent, before anything of it is believed. */
export interface PushRequest {
  /** By their names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

export const PUSH_RESULTS = ['deploying', 'waiting', 'ignored'] as const;

export interface PushOutcome {
  /** `waiting`: a job is under way, and one redeploy follows it, however many pushes come until then. */
  result: (typeof PUSH_RESULTS)[number];
  message: string;
  /** Null unless it deploys. */
  jobId: string | null;
}

export interface GitHooks {
  /** Makes the service's secret, or another in its place; it is shown by this alone. 409 state_conflict when it is not from Git. */
  create(caller: Caller, serviceId: string): Promise<{ url: string; secret: string }>;
  /** Throws not_found when there is none. */
  remove(caller: Caller, serviceId: string): Promise<void>;
  /** Throws unauthorized for whoever does not know the secret, and for services without one, or that are not there. */
  identify(serviceId: string, request: PushRequest): Caller;
  /** For whom `identify` has let in. 422 for a body that is no JSON object; 409 customer_suspended. */
  receive(caller: Caller, serviceId: string, request: PushRequest): Promise<PushOutcome>;
}
