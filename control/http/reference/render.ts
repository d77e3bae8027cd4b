// The API reference as one page: HTML without scripts, made from the OpenAPI document, so it reads offline and in any
// browser, a terminal's included. Pure.
import { JSON_TYPE, operationsOf, type Answer, type OpenApi } from '../openapi/document.ts';
import { prose, text } from './html.ts';
import { anchorOf, renderOperation, type Entry } from './operation.ts';

interface Section {
  id: string;
  title: string;
  description: string;
  entries: Entry[];
}

export function renderReference(document: OpenApi): string {
  const sections = sectionsOf(document);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(document.info.title)} API</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<a class="skip" href="#calling">To the text</a>
<nav aria-label="Operations">
<h1>${text(document.info.title)} API</h1>
<p><a href="#calling">Calling it</a> · <a href="#errors">Errors</a> · <a href="/api/openapi.json">openapi.json</a></p>
${sections.map(renderIndex).join('\n')}
</nav>
<main>
${CALLING}
${sections.map((section) => renderSection(document, section)).join('\n')}
${renderErrors(document)}
</main>
</body>
</html>
`;
}

/** By tag, in the order of the tags; what Longshore calls itself comes last. */
function sectionsOf(document: OpenApi): Section[] {
  const byTag = Map.groupBy(operationsOf(document), ({ operation }) => operation.tags?.[0]);
  const sections = (document.tags ?? []).map(({ name, description = '' }) => {
    return { id: `tag-${name}`, title: name, description, entries: byTag.get(name) ?? [] };
  });
  const calls = Object.entries(document.webhooks ?? {}).flatMap(([name, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path: `(your URL: ${name})`, operation })),
  );
  return [...sections, { id: 'calls', title: 'calls to you', description: 'What a webhook sends.', entries: calls }];
}

const CALLING = `<section id="calling">
<h2>Calling it</h2>
<p>Send an API key with each request; bodies are JSON. A write with an <code>Idempotency-Key</code> has its effect once.</p>
<pre tabindex="0">curl -H "Authorization: Bearer $LONGSHORE_API_KEY" "$LONGSHORE_URL/api/services?status=running&amp;per_page=10"</pre>
<p>Lists take <code>page</code> and <code>per_page</code> and answer <code>data</code>, <code>total</code>, <code>page</code>,
<code>per_page</code>. Times are RFC 3339 in UTC; a value that is not known is <code>null</code>.</p>
</section>`;

const renderIndex = ({ id, title, entries }: Section): string => `<h2><a href="#${id}">${text(title)}</a></h2>
<ul>
${entries.map((entry) => `<li><a href="#${anchorOf(entry)}">${text(entry.operation.summary ?? entry.path)}</a></li>`).join('\n')}
</ul>`;

const renderSection = (document: OpenApi, { id, title, description, entries }: Section): string => `<section id="${id}">
<h2>${text(title)}</h2>
<p>${prose(description)}</p>
${entries.map((entry) => renderOperation(document, entry)).join('\n')}
</section>`;

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
