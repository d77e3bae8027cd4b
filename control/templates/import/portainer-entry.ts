// One entry of Portainer's list, of any version: what is not here is not looked at.
import * as z from 'zod';

const text = z.coerce.string();
const pair = z.object({ name: text, value: text.default('') });

export const entrySchema = z.object({
  type: z.union([z.number(), z.string()]),
  title: text,
  name: text.default(''),
  description: text.default(''),
  note: text.default(''),
  categories: z.array(text).nullish(),
  platform: text.default('linux'),
  logo: text.default(''),
  administrator_only: z.boolean().default(false),
  env: z
    .array(
      z.object({
        name: text,
        label: text.default(''),
        description: text.default(''),
        default: text.optional(),
        set: text.optional(),
        preset: z.boolean().default(false),
        select: z
          .array(z.object({ text: text.default(''), value: text, default: z.boolean().default(false) }))
          .nullish(),
      }),
    )
    .nullish(),
  repository: z.object({ url: text, stackfile: text }).nullish(),
  image: text.default(''),
  registry: text.default(''),
  command: text.default(''),
  network: text.default(''),
  hostname: text.default(''),
  restart_policy: text.default('always'),
  privileged: z.boolean().default(false),
  interactive: z.boolean().default(false),
  ports: z.array(text).nullish(),
  volumes: z
    .array(
      z.union([z.string(), z.object({ container: text, bind: text.optional(), readonly: z.boolean().default(false) })]),
    )
    .nullish(),
  labels: z.array(pair).nullish(),
});
export type PortainerEntry = z.infer<typeof entrySchema>;
