// Decides how a repository without a compose file and a Dockerfile is built and run. Pure: what is there in, a whole
// Dockerfile with its reasons out.
//
// Languages are asked in this order: one that only brings tools along, as Node does for many a Rails or Django project,
// stands after those it helps. A Procfile wins over all: its first word may name the language, its command is what runs.
import { printDockerfile } from './dockerfile.ts';
import { go } from './go.ts';
import { java } from './java.ts';
import { node } from './node.ts';
import { php } from './php.ts';
import { findWebCommand, programOf } from './procfile.ts';
import { python } from './python.ts';
import type { Draft, Language, NoRecipe, Recipe, Repository } from './recipe.ts';
import { ruby } from './ruby.ts';
import { rust } from './rust.ts';
import { staticSite } from './static-site.ts';

const LANGUAGES: readonly Language[] = [php, go, java, rust, ruby, python, node, staticSite];
/** Of nobody in particular: not root, and not a user of the host's either by name. */
const USER = 1000;

const TITLE = 'Made by Longshore. Commit it as "Dockerfile" to take it over.';

/** `imagePrefix`: put before the name of every image, for a mirror. */
export function findRecipe(repository: Repository, imagePrefix: string): Recipe | NoRecipe {
  const web = findWebCommand(repository);
  const lacks: string[] = [];
  for (const language of inOrder(web)) {
    const draft = language.draft(repository, web !== undefined);
    const command = web ?? draft?.command;
    if (draft && command) return toRecipe(language.name, { ...draft, command }, web !== undefined, imagePrefix);
    if (draft?.lacks !== undefined) lacks.push(draft.lacks);
  }
  if (web && lacks.length === 0) lacks.push('Procfile, but nothing that tells its language');
  const lookedFor = LANGUAGES.map(({ name, markers }) => `${markers.join(' or ')} (${name})`);
  return { lookedFor, lacks };
}

export const isRecipe = (found: Recipe | NoRecipe): found is Recipe => 'dockerfile' in found;

/** `gunicorn app:app` in a Procfile means Python, whatever else is there. */
function inOrder(web: readonly string[] | undefined): readonly Language[] {
  const program = web && programOf(web);
  const named = LANGUAGES.filter(({ words }) => program !== undefined && words.includes(program));
  return [...named, ...LANGUAGES.filter((language) => !named.includes(language))];
}

function toRecipe(
  name: string,
  { found, stages, env = {}, user = USER, port, command }: Draft & { command: readonly string[] },
  hasProcfile: boolean,
  imagePrefix: string,
): Recipe {
  const plan = { title: TITLE, stages, env, user, port, command };
  return {
    name,
    found: [...found, ...(hasProcfile ? ['Procfile'] : [])],
    command,
    port,
    dockerfile: printDockerfile(plan, imagePrefix),
  };
}
