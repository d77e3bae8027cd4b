// The calls that Longshore makes itself, as the document describes them: one shape for all types of events.
import { z } from 'zod';
import { webhookMessageView } from '../views/webhook-message.ts';
import { JSON_TYPE, type JsonSchema, type Operation, type Parameter } from './document.ts';

export const WEBHOOKS: Record<string, Record<string, Operation>> = {
  event: {
    post: {
      operationId: 'receiveEvent',
      summary: 'Hear of a change',
      description:
        'Sent to the URL of each webhook that asked for the type, signed by Standard Webhooks. A message may come twice: ' +
        '`webhook-id` is the same then. docs/webhooks.md tells of retries.',
      tags: ['webhooks'],
      security: [],
      parameters: [
        header('webhook-id', 'The same at each try', 'msg_1m7y9p8cy6k3cq97cyrf'),
        header('webhook-timestamp', 'When it was sent, Unix time: refuse old ones', '1774778700'),
        header('webhook-signature', 'Over id, timestamp and body', 'v1,aBUj+iF+khOMswn9xYWV1tYENuF3PbBvSPqDSPg77dI='),
      ],
      requestBody: { required: true, content: { [JSON_TYPE]: { schema: toSchema() } } },
      responses: {
        '2XX': { description: 'Delivered' },
        '410': { description: 'Not wanted any more: the webhook is disabled' },
        default: { description: 'Tried again, five times within 24 hours' },
      },
    },
  },
};

function header(name: string, description: string, example: string): Parameter {
  return { name, in: 'header', required: true, description, schema: { type: 'string' }, example };
}

function toSchema(): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(webhookMessageView, { io: 'output' });
  return schema as JsonSchema;
}
