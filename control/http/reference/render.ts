// The API reference as one page: HTML without scripts, made from the OpenAPI document, so it reads offline and in any
// browser, a terminal's included. Pure.
import {
  JSON_TYPE,
  operationsOf,
  type Answer,
  type JsonSchema,
  type OpenApi,
  type Operation,
} from '../openapi/document.ts';
import { describeSchema, type FieldRow } from './fields.ts';

type Entry = ReturnType<typeof operationsOf>[number];

export function renderReference(document: OpenApi): string {
  const byTag = Map.groupBy(operationsOf(document), ({ operation }) => operation.tags?.[0] ?? 'other');
  const tags = [...byTag].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(document.info.title)} API</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<nav>
<h1>${text(document.info.title)} API</h1>
<p><a href="#calling">Calling it</a> · <a href="#errors">Errors</a> · <a href="/api/openapi.json">openapi.json</a></p>
${tags.map(([tag, entries]) => renderIndex(tag, entries)).join('\n')}
</nav>
<main>
${CALLING}
${tags.map(([tag, entries]) => renderTag(document, tag, entries)).join('\n')}
${renderErrors(document)}
</main>
</body>
</html>
`;
}

const CALLING = `<section id="calling">
<h2>Calling it</h2>
<p>Send an API key with each request; bodies are JSON. A write with an <code>Idempotency-Key</code> has its effect once.</p>
<pre>curl -H "Authorization: Bearer $LONGSHORE_API_KEY" "$LONGSHORE_URL/api/services?status=running&amp;per_page=10"</pre>
<p>Lists take <code>page</code> and <code>per_page</code> and answer <code>data</code>, <code>total</code>, <code>page</code>,
<code>per_page</code>. Times are RFC 3339 in UTC; a value that is not known is <code>null</code>.</p>
</section>`;

const anchorOf = ({ method, path }: Entry): string => `${method}${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`;

const renderIndex = (tag: string, entries: Entry[]): string => `<h2>${text(tag)}</h2>
<ul>
${entries.map((entry) => `<li><a href="#${anchorOf(entry)}">${text(entry.operation.summary ?? entry.path)}</a></li>`).join('\n')}
</ul>`;

const renderTag = (document: OpenApi, tag: string, entries: Entry[]): string => `<section>
<h2>${text(tag)}</h2>
${entries.map((entry) => renderOperation(document, entry)).join('\n')}
</section>`;

function renderOperation(document: OpenApi, entry: Entry): string {
  const { method, path, operation } = entry;
  return `<article id="${anchorOf(entry)}">
<h3><code><b>${method.toUpperCase()}</b> ${text(path)}</code></h3>
<p>${text(operation.summary ?? '')}. ${renderPermission(operation)}</p>
${operation.description === undefined ? '' : `<p>${text(operation.description)}</p>`}
${renderParameters(document, operation)}
${renderBody(document, 'Body', operation.requestBody?.content[JSON_TYPE])}
${Object.entries(operation.responses)
  .map(([status, answer]) => renderAnswer(document, status, answer))
  .join('\n')}
</article>`;
}

function renderPermission({ 'x-permission': permission, 'x-websocket': isSocket }: Operation): string {
  const needs = permission === 'public' ? 'Needs no key.' : `Needs <code>${text(permission ?? '')}</code>.`;
  return isSocket ? `${needs} Takes a WebSocket.` : needs;
}

function renderParameters(document: OpenApi, { parameters = [] }: Operation): string {
  const rows = parameters.flatMap((given): FieldRow[] => {
    const name = given.$ref?.replace('#/components/parameters/', '');
    const parameter = name === undefined ? given : (document.components.parameters?.[name] ?? given);
    const [row] = describeSchema(document, parameter.schema ?? {});
    const [label, isRequired] = [`${parameter.name ?? ''} (${parameter.in ?? ''})`, parameter.required ?? false];
    return [
      {
        ...row,
        depth: 0,
        name: label,
        isRequired,
        note: parameter.description ?? row?.note ?? '',
        type: row?.type ?? '',
      },
    ];
  });
  return rows.length === 0 ? '' : `<h4>Parameters</h4>\n${renderFields(rows)}`;
}

function renderBody(document: OpenApi, title: string, media: { schema?: JsonSchema; example?: unknown } = {}): string {
  if (!media.schema) return '';
  const example = media.example === undefined ? '' : `<pre>${text(JSON.stringify(media.example, null, 2))}</pre>`;
  return `<details><summary>${title}</summary>
${renderFields(describeSchema(document, media.schema).slice(1))}
${example}
</details>`;
}

function renderAnswer(document: OpenApi, status: string, answer: Answer): string {
  if (answer.$ref !== undefined) return '';
  const media = answer.content?.[JSON_TYPE];
  const title = `<b>${text(status)}</b> ${text(answer.description ?? '')}`;
  return media?.schema ? renderBody(document, title, media) : `<p>${title}</p>`;
}

const renderFields = (rows: readonly FieldRow[]): string =>
  rows.length === 0
    ? ''
    : `<table>
<thead><tr><th>field</th><th>type</th><th>meaning</th></tr></thead>
<tbody>
${rows.map(renderField).join('\n')}
</tbody>
</table>`;

const renderField = ({ depth, name, type, isRequired, note }: FieldRow): string =>
  `<tr><td class="d${Math.min(depth, 5)}"><code>${text(name)}</code>${isRequired ? '' : ' <i>optional</i>'}</td>` +
  `<td>${text(type)}</td><td>${text(note)}</td></tr>`;

const renderErrors = ({ components: { responses = {} } }: OpenApi): string => `<section id="errors">
<h2>Errors</h2>
<p>Every refusal has one shape: <code>{"error":{"code","message","details"?,"fields"?,"request_id"}}</code>. Decide by the code.</p>
<table>
<thead><tr><th>answer</th><th>code</th><th>message</th></tr></thead>
<tbody>
${Object.entries(responses)
  .flatMap(([name, answer]) => renderCodes(name, answer))
  .join('\n')}
</tbody>
</table>
</section>`;

function renderCodes(name: string, answer: Answer): string[] {
  const examples = Object.entries(answer.content?.[JSON_TYPE]?.examples ?? {});
  return examples.map(([code, { value }]) => {
    const { message } = (value as { error: { message: string } }).error;
    return `<tr><td>${text(name)}</td><td><code>${text(code)}</code></td><td>${text(message)}</td></tr>`;
  });
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const text = (raw: string): string => raw.replaceAll(/[&<>"']/g, (char) => ENTITIES[char] ?? char);
