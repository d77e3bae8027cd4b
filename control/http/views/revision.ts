// Revisions of a service as the API shows them.
import { z } from 'zod';
import { DEPLOY_KINDS } from '#shared/jobs.ts';
import { SERVICE_CHANGES } from '#shared/protocol/deploy-parts.ts';
import { toRfc3339 } from '#shared/time.ts';
import type { Revision, RevisionDetail, RevisionDiff } from '../../app/api/revisions.ts';
import { timestamp } from './page.ts';

const revisionNumber = z.number().int().min(1).meta({ example: 3 });

const revisionFields = {
  revision: revisionNumber,
  current: z.boolean().meta({ description: 'It is what runs' }),
  recorded_at: timestamp.meta({ description: 'When all of it was healthy' }),
  kind: z.enum(DEPLOY_KINDS).nullable().meta({ description: 'The job that made it; null: nobody can go back to it' }),
  job_id: z.string().meta({ example: 'job_xyz456', description: 'Jobs are kept for 30 days' }),
  made_by: z.string().nullable().meta({ description: 'Name of the key or person that asked for it' }),
  cause: z.string().nullable().meta({ description: 'Why, where nobody asked for it', example: null }),
  rollback_of: z.number().int().nullable().meta({ description: 'The revision that it put back', example: null }),
  commit: z.string().nullable().meta({ description: 'Of a service from Git', example: null }),
  variables_hash: z.string().meta({ description: 'SHA-256; the same for the same variables' }),
  limits: z
    .object({ cpu: z.number().nullable(), memory_mb: z.number().int().nullable() })
    .nullable()
    .meta({ description: 'What all its containers could use together' }),
  images: z.array(
    z.object({
      service: z.string(),
      reference: z.string(),
      id: z.string(),
      digests: z.array(z.string()).meta({ description: 'As registries know it; empty for one that was built' }),
    }),
  ),
};

const revisionView = z
  .object(revisionFields)
  .meta({ id: 'Revision', description: 'A good deploy, to the digest. A host keeps the last five of a service.' });
export const revisionListView = z.object({ data: z.array(revisionView) }).meta({ id: 'Revisions' });
export const revisionDetailView = z
  .object({ ...revisionFields, compose: z.string().meta({ description: 'As it ran, secrets as `***`' }) })
  .meta({ id: 'RevisionDetail' });

export const fieldChangeView = z
  .object({
    field: z.string().meta({ example: 'environment.LOG_LEVEL' }),
    before: z.string().nullable().meta({ description: 'Null: it was not there', example: 'info' }),
    after: z.string().nullable().meta({ description: 'Null: it is not there any more', example: 'debug' }),
  })
  .meta({ id: 'FieldChange', description: 'Secret values are `***` on both sides' });

export const revisionDiffView = z
  .object({
    from: revisionNumber,
    to: revisionNumber,
    services: z.array(
      z.object({ service: z.string(), change: z.enum(SERVICE_CHANGES), fields: z.array(fieldChangeView) }),
    ),
  })
  .meta({ id: 'RevisionDiff' });

export const revisionParams = z.object({
  id: z.string(),
  revision: z.string().meta({ description: 'Number of the revision', example: '3' }),
});

/** What is no number is no revision, as an unknown id is no service: 0 is never found. */
export const fromRevisionParam = (text: string): number => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : 0);

export const diffQuery = z.strictObject({
  against: z.coerce.number().int().min(1).optional().describe('The revision to compare with; absent: the one before'),
});

export const rollbackBody = z
  .strictObject({
    revision: revisionNumber.optional().meta({ description: 'Absent: the good one before what is wanted now' }),
  })
  .nullish();

export const toRevisionView = (revision: Revision): z.infer<typeof revisionView> => ({
  revision: revision.revision,
  current: revision.isCurrent,
  recorded_at: toRfc3339(revision.recordedAt),
  kind: revision.kind,
  job_id: revision.jobId,
  made_by: revision.madeBy,
  cause: revision.cause,
  rollback_of: revision.rollbackOf,
  commit: revision.commit,
  variables_hash: revision.variablesHash,
  limits: revision.limits && { cpu: revision.limits.cpu, memory_mb: revision.limits.memoryMb },
  images: revision.images,
});

export const toRevisionDetailView = (revision: RevisionDetail): z.infer<typeof revisionDetailView> => ({
  ...toRevisionView(revision),
  compose: revision.compose,
});

export const toRevisionDiffView = (diff: RevisionDiff): z.infer<typeof revisionDiffView> => diff;
