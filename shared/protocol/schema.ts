// The agent protocol in one place: every command, event, request, notification and stream, validated at both ends.
// What comes before the peer starts is in handshake-messages.ts, under the same rules.
//
// Append-only. A field that is added is optional; a field that is no longer sent keeps its line with the version that
// still needs it. Unknown fields are ignored (zod strips them), an unknown method is answered with `unsupported`.
// Schemas are built on first use: an agent that never deploys never pays for the deploy schemas.
import * as z from 'zod';
import { PULL_POLICIES } from '../jobs.ts';
import { aiProposal, aiQuestion } from './ai-parts.ts';
import { backupRequest, backupSettings } from './backup-parts.ts';
import {
  CONTAINER_ACTS,
  containerLogRequest,
  containerSetup,
  containersQuestion,
  knownContainer,
} from './container-parts.ts';
import { driftDraft, shownDrift } from './drift-parts.ts';
import { edgePart, edgeState, edgeStatus } from './edge-parts.ts';
import { execInput, execRequest } from './exec-parts.ts';
import { deployPlan, revisionSummary, serviceChange, waitingProposal } from './deploy-parts.ts';
import { adoptionDraft, adoptionQuestion, find, hostContainer, hostPage } from './host-parts.ts';
import { pruneRequest, pruneResult, serviceUpdates } from './image-parts.ts';
import {
  containerEnd,
  hostFacts,
  jobOffer,
  jobResult,
  lazy,
  moment,
  progress,
  proposalId,
  seq,
  serviceReport,
  serviceSample,
  serviceSpec,
  wireError,
} from './parts.ts';
import { searchRequest } from './search-parts.ts';
import { localJob, scheduleRun, scheduleSpec } from './schedule-parts.ts';
import { hostSample, hostStats, hostStatsQuestion, serviceStats, serviceStatsQuestion } from './stats-parts.ts';
import { upgradeOrder, upgradeProgress } from './upgrade-parts.ts';

/** Durable commands, control → agent. Acknowledged only when the agent's journal has them on disk. */
export const command = lazy(() =>
  z.object({
    seq: seq().min(1),
    body: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('job.offer'), offer: jobOffer() }),
      z.object({ kind: z.literal('job.cancel'), jobId: z.string(), reason: z.enum(['cancelled', 'superseded']) }),
      /** Tombstone: the service was removed for good; forget it if it is still known and already gone from Docker. */
      z.object({ kind: z.literal('service.forget'), serviceId: z.string(), revision: z.number().int() }),
      /** Whether its host heals it and brings it back. A newer word than the one before, whatever was said then. */
      z.object({ kind: z.literal('service.enable'), serviceId: z.string(), isEnabled: z.boolean() }),
      /** How the service is backed up from now on; the latest one counts. Nothing for a service that is not here. */
      z.object({ kind: z.literal('backup.settings'), serviceId: z.string(), settings: backupSettings() }),
      /** What answers to names on this host from now on; the latest word counts. */
      z.object({ kind: z.literal('edge.put'), state: edgeState(), part: edgePart().optional() }),
      z.object({ kind: z.literal('schedule.put'), schedule: scheduleSpec() }),
      z.object({ kind: z.literal('schedule.remove'), scheduleId: z.string(), revision: z.number().int() }),
      /** Now, once, whatever its line says and whether it is enabled or not. A repeat of the run's id is nothing new. */
      z.object({ kind: z.literal('schedule.run'), scheduleId: z.string(), runId: z.string().max(64), at: moment() }),
    ]),
  }),
);
export type Command = z.infer<ReturnType<typeof command>>;

/** Durable events, agent → control. Acknowledged only when control's database has them on disk. */
export const event = lazy(() =>
  z.object({
    seq: seq().min(1),
    body: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('job.step'), progress: progress() }),
      z.object({ kind: z.literal('job.finished'), result: jobResult(), report: serviceReport().nullable() }),
      z.object({ kind: z.literal('service.report'), report: serviceReport() }),
      z.object({
        kind: z.literal('service.event'),
        serviceId: z.string(),
        type: z.string().max(64),
        status: z.string().max(64),
        message: z.string().max(4096),
        /** Of a container that ended for good, or for want of memory. */
        end: containerEnd().optional(),
        at: moment(),
      }),
      z.object({ kind: z.literal('host.facts'), facts: hostFacts(), at: moment() }),
      z.object({ kind: z.literal('service.updates'), updates: serviceUpdates() }),
      z.object({ kind: z.literal('edge.status'), status: edgeStatus() }),
      /** Comes before anything else that is told of the job. */
      z.object({ kind: z.literal('job.local'), job: localJob() }),
      z.object({ kind: z.literal('schedule.run'), run: scheduleRun() }),
      /**
       * Stands for `from`–`to`, its own number is `to` (see sequence.ts): dropped by a limit of the outbox, `counts` says
       * how many of each kind. Empty counts: nothing is lost, only states that a later event brings anew.
       */
      z.object({
        kind: z.literal('gap'),
        from: seq(),
        to: seq(),
        counts: z.record(z.string(), z.number()),
        at: moment(),
      }),
    ]),
  }),
);
export type AgentEvent = z.infer<ReturnType<typeof event>>;
export type AgentEventBody = AgentEvent['body'];
export type CommandBody = Command['body'];

/** Requests either side may make; `params` and `result` are checked by the receiver of each. */
export const METHODS = {
  /** control → agent. `refused` names commands that were stored as nothing: the reason goes back as the job's end. */
  'commands.deliver': {
    params: lazy(() =>
      z.object({
        commands: z.array(z.unknown()).min(1),
        /** By control's clock: what is left of a deadline counts, not what the host's clock shows. */
        sentAt: moment().optional(),
      }),
    ),
    result: lazy(() => z.object({ acked: seq(), refused: z.array(z.object({ seq: seq(), error: wireError() })) })),
  },
  /** agent → control. */
  'events.deliver': {
    params: lazy(() => z.object({ events: z.array(z.unknown()).min(1) })),
    result: lazy(() => z.object({ acked: seq() })),
  },
  /** control → agent: recent lines of a service, for short answers; longer ones and following use the stream. */
  'host.facts': { params: lazy(() => z.object({})), result: lazy(() => hostFacts()) },
  /** control → agent: what the agent sees now, straight from Docker's list. */
  'service.observe': {
    params: lazy(() => z.object({ serviceId: z.string() })),
    result: lazy(() => z.object({ report: serviceReport() })),
  },
  /** control → agent: what a deploy of this spec would do. Changes nothing, also for a service that is not here yet. */
  'service.plan': {
    params: lazy(() =>
      z.object({
        spec: serviceSpec(),
        pull: z.enum(PULL_POLICIES).optional(),
        /** Lets this plan ask the AI; absent: it must not. */
        grant: z.string().max(64).optional(),
        /** Of the proposal that waits, and of no other. */
        approves: proposalId().optional(),
        /** Its volumes would be filled from a backup. */
        bringsBackup: z.boolean().optional(),
      }),
    ),
    result: lazy(() => z.object({ plan: deployPlan() })),
  },
  /** control → agent: the revisions the host keeps, the newest first, and which one runs. */
  'service.revisions': {
    params: lazy(() => z.object({ serviceId: z.string() })),
    result: lazy(() => z.object({ current: z.number().int().nullable(), revisions: z.array(revisionSummary()) })),
  },
  /** control → agent: one of them, with the compose file as it ran and its secrets hidden. */
  'service.revision': {
    params: lazy(() => z.object({ serviceId: z.string(), revision: z.number().int() })),
    result: lazy(() => z.object({ revision: revisionSummary(), compose: z.string() })),
  },
  /** control → agent: what differs between two of them. */
  'service.compare': {
    params: lazy(() => z.object({ serviceId: z.string(), from: z.number().int(), to: z.number().int() })),
    result: lazy(() => z.object({ services: z.array(serviceChange()) })),
  },
  /** control → agent: what waits for review; null: nothing does. */
  'service.proposal': {
    params: lazy(() => z.object({ serviceId: z.string() })),
    result: lazy(() => z.object({ proposal: waitingProposal().nullable() })),
  },
  /** control → agent: forget what waits, so that the AI is asked anew. Already gone is fine, as is another one by now. */
  'service.reject': {
    params: lazy(() => z.object({ serviceId: z.string(), proposalId: z.string() })),
    result: lazy(() => z.object({})),
  },
  /** control → agent: looks now for newer images of what runs. An event tells it as well. */
  'service.updates': {
    params: lazy(() => z.object({ serviceId: z.string() })),
    result: lazy(() => z.object({ updates: serviceUpdates() })),
  },
  /** control → agent: removes images that nothing on the host needs, or says which it would. */
  'host.prune': { params: lazy(() => pruneRequest()), result: lazy(() => pruneResult()) },
  /** control → agent: begin an upgrade of the agent, or say how it stands. `not_supported` where nobody can put one in place. */
  'host.upgrade': { params: lazy(() => upgradeOrder()), result: lazy(() => upgradeProgress()) },
  /** agent → control, from a job that deploys by AI or a plan of that. Null: there is no AI endpoint. */
  'ai.propose': {
    params: lazy(() => aiQuestion()),
    result: lazy(() => z.object({ proposal: aiProposal().nullable() })),
  },
  /** agent → control: whether a certificate may be asked for under this name. */
  'edge.may_issue': {
    params: lazy(() => z.object({ hostname: z.string().max(253) })),
    result: lazy(() => z.object({ isAllowed: z.boolean(), reason: z.string().nullable() })),
  },
  /** control → agent: what runs on the host that no service has. */
  'host.projects': {
    params: lazy(() => hostPage()),
    result: lazy(() => z.object({ items: z.array(find()), total: z.number().int() })),
  },
  /** control → agent: every container of the host. */
  'host.containers': {
    params: lazy(() => hostPage()),
    result: lazy(() => z.object({ items: z.array(hostContainer()), total: z.number().int() })),
  },
  /** control → agent: the same with what they use, by name. */
  'containers.list': {
    params: lazy(() => containersQuestion()),
    result: lazy(() => z.object({ items: z.array(knownContainer()), total: z.number().int() })),
  },
  /** control → agent: how one is set up. `not_found` for one that is gone. */
  'container.setup': {
    params: lazy(() => z.object({ containerId: z.string().max(64), withSecrets: z.boolean() })),
    result: lazy(() => z.object({ setup: containerSetup() })),
  },
  /** control → agent: of one that no service has; a repeat changes nothing more but restarts. `state_conflict` for others. */
  'container.act': {
    params: lazy(() => z.object({ containerId: z.string().max(64), act: z.enum(CONTAINER_ACTS) })),
    result: lazy(() => z.object({})),
  },
  /** control → agent: pulls its image and makes it anew from that, or leaves it as it was. Errors as of `container.act`. */
  'container.update': {
    params: lazy(() => z.object({ containerId: z.string().max(64) })),
    result: lazy(() => z.object({ containerId: z.string(), isChanged: z.boolean() })),
  },
  /** control → agent: what a service has to be made from to be what runs now. Changes nothing. */
  'host.adoption': {
    params: lazy(() => adoptionQuestion()),
    result: lazy(() => z.object({ draft: adoptionDraft() })),
  },
  /** control → agent: how its containers and files differ from the good revision. */
  'service.drift': {
    params: lazy(() => z.object({ serviceId: z.string() })),
    result: lazy(() => z.object({ drift: shownDrift() })),
  },
  /** control → agent: the file that would make what lives now. `state_conflict` for what no file can say. */
  'service.drift_draft': {
    params: lazy(() => z.object({ serviceId: z.string() })),
    result: lazy(() => z.object({ draft: driftDraft() })),
  },
  /**
   * control → agent: what goes into a program of the stream `exec`, answered when it has been taken; for one that has
   * ended it is dropped. Whoever wants it in order waits for each answer.
   */
  'exec.input': { params: lazy(() => execInput()), result: lazy(() => z.object({})) },
  /** control → agent: what the host used over a stretch of time, from what it keeps. */
  'host.stats': { params: lazy(() => hostStatsQuestion()), result: lazy(() => hostStats()) },
  /** control → agent: the same of a service, and its containers as they are now. */
  'service.stats': { params: lazy(() => serviceStatsQuestion()), result: lazy(() => serviceStats()) },
  /** Either way: a trivial round trip for measuring. */
  echo: {
    params: lazy(() => z.object({ data: z.string().max(65_536) })),
    result: lazy(() => z.object({ data: z.string() })),
  },
} as const;
export type MethodName = keyof typeof METHODS;
export type Params<M extends MethodName> = z.infer<ReturnType<(typeof METHODS)[M]['params']>>;
export type Result<M extends MethodName> = z.infer<ReturnType<(typeof METHODS)[M]['result']>>;

/** In one message; 300 bytes each keep it well below the limit of a frame. */
export const MAX_SAMPLES = 1_000;

/** One-way messages that may be lost with the connection. */
export const NOTIFICATIONS = {
  /** agent → control: progress between the durable steps, at most 5 a second and step. */
  'job.progress': lazy(() => progress()),
  /** agent → control: what the host uses, after a welcome and when it has changed (agent/stats/host/host-news.ts). */
  'host.sample': lazy(() => hostSample()),
  /** agent → control: what services use. All of them after a welcome, then those that changed (agent/stats/news.ts). */
  'services.samples': lazy(() => z.object({ samples: z.array(serviceSample()).max(MAX_SAMPLES) })),
} as const;
export type NotificationName = keyof typeof NOTIFICATIONS;
export type Notification<N extends NotificationName> = z.infer<ReturnType<(typeof NOTIFICATIONS)[N]>>;

/** Streams control opens on an agent. */
export const STREAMS = {
  /** Data frames are newline-terminated JSON of model.LogEntry; a frame ends with a line. */
  logs: lazy(() =>
    z.object({
      serviceId: z.string(),
      /** Lines from the end; null is all. */
      tail: z.number().int().min(0).nullable(),
      /** RFC 3339 with up to nanoseconds. */
      since: z.string().max(64).nullable(),
      follow: z.boolean(),
    }),
  ),
  /** Runs a program inside a container of the service; frames as in exec-frame.ts. It ends when the stream does. */
  exec: lazy(() => execRequest()),
  /** What one container has logged, whoever made it; frames as of `logs`. */
  containerLogs: lazy(() => containerLogRequest()),
  /** What services of this host have logged, the newest first; frames as in search-parts.ts. */
  search: lazy(() => searchRequest()),
  /** A backup as it is, see backup-parts.ts. `not_found` where the host has none such. */
  backup: lazy(() => backupRequest()),
} as const;
export type StreamName = keyof typeof STREAMS;
export type StreamParams<S extends StreamName> = z.infer<ReturnType<(typeof STREAMS)[S]>>;
