// What all lists have in common: paging on the command line, one page asked for, shown as a table or the API's JSON.
import type { Argv } from 'yargs';
import type { List } from './api-types.ts';
import type { RequestOptions } from './client.ts';
import type { Session } from './command.ts';
import type { Output } from './output.ts';
import type { Column } from './table.ts';

/** Options of every list. */
export const pagingOptions = <T>(yargs: Argv<T>) =>
  yargs
    .option('page', { type: 'number', default: 1, describe: 'Page to show', group: 'Paging:' })
    .option('per-page', { type: 'number', default: 100, describe: 'Rows a page, at most 100', group: 'Paging:' });

type Query = NonNullable<RequestOptions['query']>;

export interface PagingArgs {
  page: number;
  perPage: number;
}

/** A page of a list: the API's JSON, or a table, how much there is beside it, and what is to be said of its rows. */
export async function showList<Row>(
  { client, output }: Session,
  path: string,
  { page, perPage, ...filters }: PagingArgs & Query,
  columns: Column<Row>[],
  remarksOn: (rows: readonly Row[]) => readonly string[] = () => [],
): Promise<void> {
  const found = await client.get<List<Row>>(path, { page, per_page: perPage, ...filters });
  if (output.isJson) return output.json(found);
  output.table(columns, found.data);
  notePages(output, found);
  for (const remark of remarksOn(found.data)) output.note(remark);
}

/** Says on stderr that there is more than was shown. */
function notePages(output: Output, list: { total: number; page: number; per_page: number }): void {
  const pages = Math.ceil(list.total / list.per_page);
  if (pages > 1) output.note(`page ${list.page} of ${pages}, ${list.total} in all`);
}
