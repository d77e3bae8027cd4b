// Bodies of the writes to templates. What a template may say is checked behind the app layer, whose refusal names each
// field: `template.yaml` is one format, in a folder, in a body and in the catalogue.
import { z } from 'zod';
import { LongshoreError } from '#shared/errors.ts';
import { IMPORT_FORMATS, type TemplateImport, type TemplateSourceTexts } from '../../app/api/templates.ts';

const MAX_FILES = 50;
const MAX_URL_CHARS = 2048;
const customerId = z.string().min(1).max(64).optional();

const files = z
  .record(z.string().min(1).max(255), z.string())
  .refine((record) => Object.keys(record).length <= MAX_FILES, `At most ${MAX_FILES} files`);

/** One template for the examples. */
const MANIFEST = {
  schema: 1,
  id: 'notes',
  name: 'Notes',
  tagline: 'A page for notes',
  category: 'productivity',
  variables: [{ name: 'HTTP_PORT', label: 'Port', type: 'port', default: 8090, required: true }],
};
const COMPOSE = 'services:\n  web:\n    image: nginx:1.28.0-alpine\n    ports: ["${HTTP_PORT}:80"]\n';

const sourceFields = {
  manifest: z
    .union([z.string(), z.record(z.string(), z.unknown())], { error: 'Send template.yaml, as text or as an object' })
    .describe('template.yaml, as text or as an object')
    .meta({ example: MANIFEST }),
  compose: z
    .string()
    .optional()
    .describe('compose.yaml; leave it out when the manifest holds its text')
    .meta({ example: COMPOSE }),
  files: files
    .optional()
    .meta({ description: 'Texts of the files that the manifest names in `from`, by that name', example: {} }),
};

export const templateSourceBody = z.strictObject(sourceFields).meta({ id: 'TemplateSource' });
export const templateSourceView = z.object(sourceFields).required();
export const newTemplateBody = z.strictObject({
  ...sourceFields,
  customer_id: customerId.describe('Only this customer sees it; left out: everybody'),
});

export const importBody = z
  .strictObject({
    format: z.enum([...IMPORT_FORMATS, 'auto']).default('auto'),
    content: z.string().min(1).optional().describe('The text of one file'),
    files: files.optional().describe('The files of one template by their names, for formats that need several'),
    url: z.string().min(1).max(MAX_URL_CHARS).optional().describe('Where the text of one file is'),
    id: z.string().min(1).max(63).optional().describe('For an import of one template; else made from its name'),
    category: z.string().min(1).max(40).optional().describe('For all that are imported'),
    customer_id: customerId,
    dry_run: z.boolean().default(false).describe('Say what would be imported and write nothing'),
  })
  .meta({
    example: { content: '{"version":"2","templates":[{"type":1,"title":"Web","image":"nginx:1.28.0-alpine"}]}' },
  });
export type ImportBody = z.infer<typeof importBody>;

export const fromSourceBody = ({
  manifest,
  compose,
  files,
}: z.infer<typeof templateSourceBody>): TemplateSourceTexts => ({
  manifest,
  compose,
  files,
});

export function fromImportBody(body: ImportBody): TemplateImport {
  const { format, content, files, url, id, category, customer_id, dry_run: isDryRun } = body;
  const given = [content, files, url].filter((source) => source !== undefined);
  if (given.length !== 1)
    throw new LongshoreError('validation_error', { fields: { content: 'Send one of content, files and url' } });
  return { format, content, files, url, id, category, customerId: customer_id, isDryRun };
}
