// `longshore templates …`: what can be deployed by name, which variables it takes, and templates of one's own.
import { randomUUID } from 'node:crypto';
import type { Argv } from 'yargs';
import { apiCommand, argument, group, withSession, type Session } from '../command.ts';
import { pagingOptions, showList, type PagingArgs } from '../list.ts';
import type { Column } from '../table.ts';
import { readImportSource, readTemplateFolder } from '../template-folder.ts';
import type { ImportedTemplates, Template, TemplateDetail, TemplateVariable } from '../template-types.ts';

export const command = group('templates', (own, world) =>
  own
    .command(['list', 'ls'], 'List templates', listOptions, withSession(world, list))
    .command('get <template>', 'Show one with its variables', one, withSession(world, get))
    .command('create <dir>', 'Make one of your own', folderOptions, withSession(world, create))
    .command('update <dir>', 'Replace one of your own', folder, withSession(world, update))
    .command(['delete <template>', 'rm'], 'Delete one of your own', one, withSession(world, remove))
    .command('import <source>', 'Take over those of another system', importOptions, withSession(world, importFrom)),
);

const one = (yargs: Argv) => argument(yargs, 'template', 'Its id');

const folder = (yargs: Argv) => argument(yargs, 'dir', 'Folder with template.yaml, compose.yaml and its files');

const customerOption = <T>(yargs: Argv<T>) =>
  yargs.option('customer', { type: 'string', requiresArg: true, describe: 'For this customer only' });

const folderOptions = (yargs: Argv) => customerOption(folder(yargs));

const FORMATS = ['auto', 'longshore', 'portainer', 'caprover', 'dokploy', 'coolify', 'runtipi'] as const;

const importOptions = (yargs: Argv) =>
  customerOption(argument(yargs, 'source', 'A file, a folder with the files of one template, a URL, or - for stdin'))
    .option('format', { choices: FORMATS, default: 'auto' as const, describe: 'Whose it is' })
    .option('id', { type: 'string', requiresArg: true, describe: 'Its id, for one template' })
    .option('category', { type: 'string', requiresArg: true, describe: 'For all of them' })
    .option('dry-run', { type: 'boolean', default: false, describe: 'Say what would be imported, write nothing' })
    .example('$0 templates import https://example.com/templates.json --dry-run', '');

const listOptions = (yargs: Argv) =>
  pagingOptions(apiCommand(yargs))
    .option('category', { type: 'string', describe: 'Only these' })
    .option('origin', { choices: ['catalogue', 'own', 'imported'] as const, describe: 'Only these' })
    .option('search', { type: 'string', describe: 'Part of the name or the text' });

interface ListArgs extends PagingArgs {
  category?: string | undefined;
  origin?: string | undefined;
  search?: string | undefined;
}

const COLUMNS: Column<Template>[] = [
  { title: 'ID', cell: (template) => template.id },
  { title: 'ORIGIN', cell: (template) => template.origin },
  { title: 'CATEGORY', cell: (template) => template.category },
  { title: 'VERSION', cell: (template) => template.app_version },
  { title: 'WHAT', cell: (template) => template.tagline },
];

const list = (session: Session, { page, perPage, category, origin, search }: ListArgs): Promise<void> =>
  showList(session, '/api/templates', { page, perPage, category, origin, search }, COLUMNS);

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
  const found = await client.get<TemplateDetail>(`/api/templates/${encodeURIComponent(template)}`);
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
  for (const warning of found.warnings) output.note(warning);
}

interface FolderArgs {
  dir: string;
  customer?: string | undefined;
}

async function create({ client, output }: Session, { dir, customer }: FolderArgs): Promise<void> {
  const { id: _id, ...texts } = await readTemplateFolder(dir);
  const body = { ...texts, ...(customer !== undefined && { customer_id: customer }) };
  const made = await client.send<TemplateDetail>('POST', '/api/templates', { body, idempotencyKey: randomUUID() });
  showMade({ output }, made.body);
}

async function update({ client, output }: Session, { dir }: FolderArgs): Promise<void> {
  const { id, ...body } = await readTemplateFolder(dir);
  const made = await client.send<TemplateDetail>('PUT', `/api/templates/${encodeURIComponent(id)}`, { body });
  showMade({ output }, made.body);
}

function showMade({ output }: Pick<Session, 'output'>, template: TemplateDetail): void {
  if (output.isJson) return output.json(template);
  for (const warning of template.warnings) output.note(`  ${warning}`);
  output.line(`${template.id}: version ${template.version}`);
}

async function remove({ client, output }: Session, { template }: { template: string }): Promise<void> {
  await client.send('DELETE', `/api/templates/${encodeURIComponent(template)}`);
  if (output.isJson) return output.json(null);
  output.line(`${template}: deleted`);
}

interface ImportArgs {
  source: string;
  format: string;
  id?: string | undefined;
  category?: string | undefined;
  customer?: string | undefined;
  dryRun: boolean;
}

async function importFrom({ client, output }: Session, args: ImportArgs): Promise<void> {
  const { format, id, category, customer, dryRun } = args;
  const body = {
    ...readImportSource(args.source),
    format,
    dry_run: dryRun,
    ...(id !== undefined && { id }),
    ...(category !== undefined && { category }),
    ...(customer !== undefined && { customer_id: customer }),
  };
  const answer = await client.send<ImportedTemplates>('POST', '/api/templates/import', { body });
  if (output.isJson) return output.json(answer.body);
  for (const template of answer.body.imported) {
    output.line(`${template.id}: ${dryRun ? 'would be imported' : 'imported'}`);
    for (const warning of template.warnings) output.note(`  ${template.id}: ${warning}`);
  }
  for (const { name, reason } of answer.body.skipped) output.note(`${name}: skipped, ${reason}`);
}
