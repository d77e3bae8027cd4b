// Templates as the API shows them.
import { z } from 'zod';
import type { Template, TemplateDetail } from '../../app/api/templates.ts';
import { pageOf } from './page.ts';

const variable = z.object({
  name: z.string(),
  label: z.string(),
  help: z.string().nullable(),
  type: z.string(),
  required: z.boolean(),
  default: z.string().nullable(),
  secret: z.boolean(),
  generated: z.boolean(),
  options: z.array(z.object({ value: z.string(), label: z.string() })).nullable(),
});

const templateFields = {
  id: z.string().meta({ example: 'uptime-kuma' }),
  name: z.string(),
  tagline: z.string(),
  description: z.string(),
  category: z.string(),
  version: z.number().int(),
  app_version: z.string(),
  links: z.record(z.string(), z.string()),
  variables: z.array(variable),
};

export const templateView = z.object(templateFields).meta({ id: 'Template' });
export const templatePage = pageOf(templateView);
export const templateDetailView = z.object({ ...templateFields, compose: z.string() }).meta({ id: 'TemplateDetail' });

export const toTemplateView = (template: Template): z.infer<typeof templateView> => ({
  id: template.id,
  name: template.name,
  tagline: template.tagline,
  description: template.description,
  category: template.category,
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
});

export const toTemplateDetailView = (template: TemplateDetail): z.infer<typeof templateDetailView> => ({
  ...toTemplateView(template),
  compose: template.compose,
});
