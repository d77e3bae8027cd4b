// One operation of the reference: what it takes, what it answers, how it refuses. Pure.
import {
  JSON_TYPE,
  resolveSchema,
  type Answer,
  type Media,
  type OpenApi,
  type Operation,
  type Parameter,
} from '../openapi/document.ts';
import { describeSchema, type FieldRow } from './fields.ts';
import { prose, text } from './html.ts';

export interface Entry {
  method: string;
  path: string;
  operation: Operation;
}

export const anchorOf = ({ method, path }: Entry): string => `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`;

export function renderOperation(document: OpenApi, entry: Entry): string {
  const { method, path, operation } = entry;
  const parts = [
    `<h3><a href="#${anchorOf(entry)}"><code><b>${method.toUpperCase()}</b> ${text(path)}</code></a></h3>`,
    `<p>${prose(operation.summary ?? '')}. ${renderPermission(operation)}</p>`,
    operation.description === undefined ? '' : `<p>${prose(operation.description)}</p>`,
    renderParameters(document, operation),
    renderRequest(document, operation.requestBody?.content[JSON_TYPE]),
    ...Object.entries(operation.responses).map(([status, answer]) => renderAnswer(document, status, answer)),
    renderRefusals(operation),
  ];
  return `<article id="${anchorOf(entry)}">\n${parts.filter(Boolean).join('\n')}\n</article>`;
}

function renderPermission({ 'x-permission': permission, 'x-websocket': isSocket }: Operation): string {
  if (permission === undefined) return '';
  const needs = permission === 'public' ? 'Needs no key.' : `Needs <code>${text(permission)}</code>.`;
  return isSocket ? `${needs} Takes a WebSocket.` : needs;
}

function renderParameters(document: OpenApi, { parameters = [] }: Operation): string {
  const rows = parameters.map((parameter) => toRow(document, parameter));
  return rows.length === 0 ? '' : `<h4>Parameters</h4>\n${renderFields(rows)}`;
}

function toRow(document: OpenApi, given: Parameter): FieldRow {
  const shared = given.$ref?.replace('#/components/parameters/', '');
  const parameter = shared === undefined ? given : (document.components.parameters?.[shared] ?? given);
  const { name = '', in: place = '', required: isRequired = false, description, schema = {} } = parameter;
  const [{ type, note } = { type: '', note: '' }] = describeSchema(document, {
    ...schema,
    ...(description !== undefined && { description }),
  });
  return { depth: 0, name: `${name} (${place})`, type, isRequired, note };
}

/** A body of several forms is shown form by form, each with its example. */
function renderRequest(document: OpenApi, media: Media = {}): string {
  const names = Object.keys(media.examples ?? {});
  const forms = (media.schema?.oneOf ?? []).map((form) => resolveSchema(document, form));
  if (names.length === 0) return renderBody(document, 'Body', media);
  return names
    .map((name, i) =>
      renderBody(document, `Body: ${text(name)}`, { schema: forms[i] ?? {}, example: media.examples?.[name]?.value }),
    )
    .join('\n');
}

/** `title` is HTML. */
function renderBody(document: OpenApi, title: string, { schema, example }: Media): string {
  const rows = schema ? describeSchema(document, schema).slice(1) : [];
  if (rows.length === 0) return '';
  const shown = example === undefined ? '' : renderExample(example);
  return `<details><summary>${title}</summary>\n${renderFields(rows)}\n${shown}\n</details>`;
}

/** It may be wider than the page: with a tab stop it scrolls by keyboard. */
const renderExample = (example: unknown): string => `<pre tabindex="0">${text(JSON.stringify(example, null, 2))}</pre>`;

function renderAnswer(document: OpenApi, status: string, answer: Answer): string {
  if (answer.$ref !== undefined) return '';
  const title = `<b>${text(status)}</b> ${text(answer.description ?? '')}`;
  return renderBody(document, title, answer.content?.[JSON_TYPE] ?? {}) || `<p>${title}</p>`;
}

function renderRefusals({ responses }: Operation): string {
  const refused = Object.entries(responses).filter(([, answer]: [string, Answer]) => answer.$ref !== undefined);
  const statuses = refused.map(([status]) => status).filter((status) => status !== 'default');
  return statuses.length === 0 ? '' : `<p>Refuses with ${statuses.join(', ')}: see <a href="#errors">errors</a>.</p>`;
}

const renderFields = (rows: readonly FieldRow[]): string => `<table>
<thead><tr><th>field</th><th>type</th><th>meaning</th></tr></thead>
<tbody>
${rows.map(renderField).join('\n')}
</tbody>
</table>`;

const renderField = ({ depth, name, type, isRequired, note }: FieldRow): string =>
  `<tr><td class="d${Math.min(depth, 5)}"><code>${text(name)}</code>${isRequired ? '' : ' <i>optional</i>'}</td>` +
  `<td>${text(type)}</td><td>${prose(note)}</td></tr>`;
