// The body of PATCH /api/services/:id, and its answer.
import { z } from 'zod';
import type { ServiceChange } from '../../app/api/services.ts';
import { gitChangeFields, toGitChange } from './git-source.ts';
import { fromHealthChecks, healthChecksField } from './health-check.ts';
import { cpuCores, memoryMb } from './limits.ts';
import {
  category,
  composeText,
  displayName,
  healthTimeoutS,
  labelsOf,
  labelValue,
  planId,
  review,
  variablesOf,
  variableValue,
} from './new-service.ts';
import { serviceDetailView } from './service.ts';
import { autoUpdateBody, fromAutoUpdateBody } from './updates.ts';

export const serviceChangeBody = z
  .strictObject({
    variables: variablesOf(variableValue.nullable())
      .optional()
      .meta({ description: 'Merged; null removes. `***` for a secret variable keeps its value.' }),
    compose: composeText.optional().meta({
      description: 'Not for services made from a template. `***` keeps the secret that stands at the same place.',
    }),
    ...gitChangeFields,
    limits: z
      .strictObject({ cpu: cpuCores.nullable().optional(), memory_mb: memoryMb.nullable().optional() })
      .optional()
      .meta({ description: "What all its containers may use together; null: the plan's share, or no limit." }),
    labels: labelsOf(labelValue.nullable()).optional().meta({ description: 'Merged; null removes.' }),
    display_name: displayName.nullable().optional(),
    category: category.nullable().optional(),
    rollback_on_failure: z.boolean().optional(),
    health_timeout_s: healthTimeoutS.optional(),
    health_checks: healthChecksField.optional().meta({
      description: 'In place of all there are: [] removes them. `***` keeps what stands at the same place.',
    }),
    auto_update: autoUpdateBody.nullable().optional(),
    review: review.optional().meta({
      description: 'Of a service by AI: each deploy stops at its plan until somebody approves it.',
    }),
    revision: z.number().int().min(1).optional().meta({
      description: 'The revision you have seen: 409 state_conflict when the service has moved on since.',
    }),
    plan_id: planId.optional(),
  })
  .meta({ id: 'ServiceChange', example: { variables: { LOG_LEVEL: 'debug', OLD_FLAG: null } } });

export const changedServiceView = serviceDetailView
  .extend({
    deploy_job_id: z.string().nullable().meta({ description: 'Null when nothing needs a deploy.' }),
  })
  .meta({ id: 'ChangedService' });

export const fromServiceChangeBody = (body: z.infer<typeof serviceChangeBody>): ServiceChange => ({
  variables: body.variables,
  compose: body.compose,
  ...toGitChange(body),
  limits: body.limits && { cpu: body.limits.cpu, memoryMb: body.limits.memory_mb },
  labels: body.labels,
  displayName: body.display_name,
  category: body.category,
  rollbackOnFailure: body.rollback_on_failure,
  healthTimeoutS: body.health_timeout_s,
  healthChecks: body.health_checks && fromHealthChecks(body.health_checks),
  autoUpdate: body.auto_update && fromAutoUpdateBody(body.auto_update),
  review: body.review,
  revision: body.revision,
  planId: body.plan_id,
});
