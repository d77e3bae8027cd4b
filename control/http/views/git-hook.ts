// Push hooks as the API shows them.
import { z } from 'zod';
import { PUSH_RESULTS, type PushOutcome } from '../../app/api/git-hooks.ts';

export const createdHookView = z
  .object({
    url: z.string().meta({ example: 'https://panel.example.com/api/services/svc_abc123/hooks/git' }),
    secret: z.string().meta({ example: 'lsg_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE' }),
  })
  .meta({ id: 'CreatedPushHook', description: 'The secret is shown once.' });

export const pushView = z
  .object({
    result: z.enum(PUSH_RESULTS).meta({ description: '`waiting`: a redeploy follows the job that is under way' }),
    message: z.string(),
    deploy_job_id: z.string().nullable(),
  })
  .meta({ id: 'Push' });

export const toPushView = ({ result, message, jobId }: PushOutcome): z.infer<typeof pushView> => ({
  result,
  message,
  deploy_job_id: jobId,
});
