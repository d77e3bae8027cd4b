// Templates as the API shows them.
import { z } from 'zod';
import { IMPORT_FORMATS, TEMPLATE_ORIGINS, type Template, type TemplateDetail } from '../../app/api/templates.ts';
import { pageOf, timestamp } from './page.ts';

const variable = z.object({
  name: z.string().meta({ example: 'PORT' }),
  label: z.string().meta({ example: 'Port of the host' }),
  help: z.string().nullable(),
  type: z.string().meta({ example: 'port' }),
  required: z.boolean(),
  default: z.string().nullable().meta({ example: '3001' }),
  secret: z.boolean().meta({ description: 'Shown as `***` in services', example: false }),
  generated: z.boolean().meta({ description: 'Made up at the first deploy when it is not given', example: false }),
  options: z
    .array(z.object({ value: z.string(), label: z.string() }))
    .nullable()
    .meta({ description: 'What it may be, of type enum', example: null }),
});

const templateFields = {
  id: z.string().meta({ example: 'uptime-kuma' }),
  name: z.string().meta({ example: 'Uptime Kuma' }),
  tagline: z.string().meta({ example: 'Watches web sites and services and tells you when one is down' }),
  description: z.string().meta({ example: 'Checks by HTTP, TCP, DNS and ping, with a status page.' }),
  category: z.string().meta({ example: 'monitoring' }),
  tags: z.array(z.string()).meta({ example: ['status-page'] }),
  version: z.number().int().describe('Revision of the template; grows by one with each change'),
  app_version: z.string().meta({ description: "The software's", example: '2.0.2' }),
  links: z.record(z.string(), z.string()).meta({ example: { website: 'https://uptime.kuma.pet' } }),
  variables: z.array(variable),
  origin: z.enum(TEMPLATE_ORIGINS),
  customer_id: z.string().nullable().describe('Only this customer sees it; null is everybody'),
  created_at: timestamp.nullable().describe('Null for the catalogue'),
  updated_at: timestamp.nullable(),
};

export const templateView = z.object(templateFields).meta({ id: 'Template' });
export const templatePage = pageOf(templateView);
export const templateDetailView = z
  .object({
    ...templateFields,
    compose: z.string(),
    files: z.array(z.string()).meta({ description: "Paths in the service's folder", example: [] }),
    notes: z
      .object({ before: z.string().nullable(), after: z.string().nullable() })
      .meta({ description: 'To read before and after a deploy' }),
    imported_from: z.enum(IMPORT_FORMATS).nullable().meta({ example: null }),
    warnings: z.array(z.string()).meta({
      description: 'What to know before a deploy, such as what an import could not carry over',
      example: [],
    }),
  })
  .meta({ id: 'TemplateDetail' });

const toTime = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

export const toTemplateView = (template: Template): z.infer<typeof templateView> => ({
  id: template.id,
  name: template.name,
  tagline: template.tagline,
  description: template.description,
  category: template.category,
  tags: template.tags,
  version: template.version,
  app_version: template.appVersion,
  links: template.links,
  variables: template.variables.map((it) => ({
    name: it.name,
    label: it.label,
    help: it.help,
    type: it.type,
    required: it.isRequired,
    default: it.default,
    secret: it.isSecret,
    generated: it.isGenerated,
    options: it.options,
  })),
  origin: template.origin,
  customer_id: template.customerId,
  created_at: toTime(template.createdAt),
  updated_at: toTime(template.updatedAt),
});

export const toTemplateDetailView = (template: TemplateDetail): z.infer<typeof templateDetailView> => ({
  ...toTemplateView(template),
  compose: template.compose,
  files: template.files,
  notes: template.notes,
  imported_from: template.importedFrom,
  warnings: template.warnings,
});
