// What a deploy would do, as the API shows it.
import { z } from 'zod';
import { PULL_POLICIES } from '#shared/jobs.ts';
import {
  IMAGE_SOURCES,
  PREFLIGHT_CHECKS,
  PREFLIGHT_STATES,
  VOLUME_ACTIONS,
  type DeployPlan as HostPlan,
  type ShownProposal,
} from '#shared/protocol/deploy-parts.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { DeployPlan } from '../../app/api/deploy-plans.ts';
import { timestamp } from './page.ts';
import { planStepView } from './plan-step.ts';
import { fieldChangeView } from './revision.ts';
import { serviceChangeBody } from './service-change.ts';

/** Of every plan, whether it was asked for or waits for review. */
export const plannedFields = {
  commit: z.string().nullable().meta({ description: 'That would be deployed, of a service from Git', example: null }),
  services: z
    .array(planStepView.extend({ fields: z.array(fieldChangeView) }))
    .meta({ description: 'In the order they start; removals last' }),
  images: z.array(
    z.object({
      reference: z.string().meta({ example: 'nginx:1.29' }),
      services: z.array(z.string()),
      source: z.enum(IMAGE_SOURCES).meta({
        description: '`refresh`: it is on the host, and a newer one is looked for; then services may be recreated',
      }),
      size_bytes: z.number().int().nullable().meta({ description: 'Null while it is not on the host' }),
      download_bytes: z.number().int().nullable().meta({
        description: 'Of `pull`: compressed, as the registry says; null where it did not, or is Docker Hub',
        example: 45_210_112,
      }),
    }),
  ),
  ports: z.array(
    z.object({
      service: z.string(),
      host: z.string().nullable().meta({ description: 'A port or a range; null: Docker chooses', example: '8080' }),
      container: z.number().int(),
      protocol: z.string().meta({ example: 'tcp' }),
      address: z.string().meta({ description: 'Empty: all of them', example: '127.0.0.1' }),
    }),
  ),
  volumes: z.array(
    z.object({
      name: z.string(),
      action: z.enum(VOLUME_ACTIONS).meta({ description: '`leave`: nothing uses it any more, its data stays' }),
      services: z.array(z.string()),
    }),
  ),
  downtime: z.object({
    strategy: z.enum(['none', 'stop_first']),
    services: z.array(z.string()).meta({ description: 'Down until their new containers are up' }),
  }),
  findings: z
    .array(z.object({ path: z.string(), rule: z.string(), message: z.string() }))
    .meta({ description: 'What the policy refuses: the deploy would fail with compose_policy', example: [] }),
  preflight: z.array(
    z.object({ check: z.enum(PREFLIGHT_CHECKS), state: z.enum(PREFLIGHT_STATES), message: z.string() }),
  ),
  would_start: z.boolean().meta({ description: 'Nothing is refused, and no check has failed' }),
};

export const aiProposalView = z
  .object({
    compose: z.string(),
    dockerfile: z.string().nullable().meta({ description: "Null: the repository's own, or none" }),
    variables: z.array(
      z.object({
        name: z.string().meta({ example: 'LOG_LEVEL' }),
        value: z.string().nullable().meta({ description: 'The default; null where yours counts', example: 'info' }),
        purpose: z.string().meta({ example: 'How much it says' }),
        given: z.boolean().meta({ description: 'You have given one' }),
      }),
    ),
    port: z.number().int().nullable().meta({ description: 'Where the containers answer', example: 3000 }),
    health_path: z.string().nullable().meta({ example: '/healthz' }),
    reasons: z.array(z.string()).meta({ example: ['package.json starts a server on port 3000'] }),
  })
  .nullable()
  .meta({ description: 'What the AI proposes; null where it was not asked' });

export const deployPlanView = z
  .object({
    plan_id: z.string().nullable().meta({
      description: 'For the change or redeploy that is to do exactly this; null for a service that is not there yet',
      example: 'dp_mbbqz7k0_3f786850e387550fdab836ed7e6dc881de23001b',
    }),
    expires_at: timestamp.nullable().meta({ description: 'Until when `plan_id` is taken' }),
    host_id: z.string(),
    deploys: z.boolean().meta({ description: 'False for a change that reaches no container' }),
    ...plannedFields,
    proposal: aiProposalView,
  })
  .meta({ id: 'DeployPlan' });

export const planChangeBody = serviceChangeBody
  .omit({ plan_id: true })
  .extend({
    pull: z.enum(PULL_POLICIES).optional().meta({ description: 'Of a redeploy: not together with a change' }),
  })
  .nullish()
  .meta({ description: 'A change, or nothing for a redeploy' });

export const toDeployPlanView = (plan: DeployPlan): z.infer<typeof deployPlanView> => ({
  plan_id: plan.planId,
  expires_at: plan.expiresAt === null ? null : toRfc3339(plan.expiresAt),
  host_id: plan.hostId,
  deploys: plan.deploys,
  ...toPlannedFields(plan),
  proposal: toAiProposalView(plan.proposal),
});

export function toAiProposalView(proposal: ShownProposal | null | undefined): z.infer<typeof aiProposalView> {
  if (!proposal) return null;
  const { healthPath, variables, ...rest } = proposal;
  const shown = variables.map(({ isGiven, ...variable }) => ({ ...variable, given: isGiven }));
  return { ...rest, variables: shown, health_path: healthPath };
}

type Planned = Omit<HostPlan, 'digest' | 'proposal'>;

export const toPlannedFields = (plan: Planned): z.infer<z.ZodObject<typeof plannedFields>> => ({
  commit: plan.commit,
  services: plan.services,
  images: plan.images.map(({ sizeBytes, downloadBytes = null, ...image }) => {
    return { ...image, size_bytes: sizeBytes, download_bytes: downloadBytes };
  }),
  ports: plan.ports,
  volumes: plan.volumes,
  downtime: { strategy: plan.downtime.length > 0 ? 'stop_first' : 'none', services: plan.downtime },
  findings: plan.findings,
  preflight: plan.preflight,
  would_start: plan.findings.length === 0 && plan.preflight.every(({ state }) => state !== 'failed'),
});
