// `longshore templates …`: what can be deployed by name, and which variables it takes.
import type { Argv } from 'yargs';
import type { Template, TemplateVariable } from '../api-types.ts';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';

export const command = group('templates', (own, world) =>
  own
    .command(['list', 'ls'], 'List templates', listOptions, withSession(world, list))
    .command('get <template>', 'Show one with its variables', one, withSession(world, get)),
);

const one = (yargs: Argv) => argument(yargs, 'template', 'Its id');

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs))
    .option('category', { type: 'string', describe: 'Only these' })
    .option('search', { type: 'string', describe: 'Part of the name or the text' });

interface ListArgs extends PagingArgs {
  category?: string | undefined;
  search?: string | undefined;
}

const COLUMNS: Column<Template>[] = [
  { title: 'ID', cell: (template) => template.id },
  { title: 'CATEGORY', cell: (template) => template.category },
  { title: 'VERSION', cell: (template) => template.app_version },
  { title: 'WHAT', cell: (template) => template.tagline },
];

const list = (session: Session, { page, perPage, category, search }: ListArgs): Promise<void> =>
  showList(session, '/api/templates', { page, perPage, category, search }, COLUMNS);

const VARIABLE_COLUMNS: Column<TemplateVariable>[] = [
  { title: 'VARIABLE', cell: (variable) => variable.name },
  { title: 'TYPE', cell: (variable) => variable.type },
  { title: 'DEFAULT', cell: (variable) => defaultOf(variable) },
  { title: 'WHAT', cell: (variable) => variable.label },
];

function defaultOf(variable: TemplateVariable): string | null {
  if (variable.generated) return '(made up)';
  if (variable.default !== null) return variable.default;
  return variable.required ? '(required)' : null;
}

async function get({ client, output }: Session, { template }: { template: string }): Promise<void> {
  const found = await client.get<Template>(`/api/templates/${encodeURIComponent(template)}`);
  if (output.isJson) return output.json(found);
  output.facts({
    id: found.id,
    name: found.name,
    version: found.app_version,
    category: found.category,
    ...found.links,
    description: found.description.trim(),
  });
  output.table(VARIABLE_COLUMNS, found.variables);
}
