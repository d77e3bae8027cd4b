// From what a caller asked for to a service that may be written: names, labels, template, compose file, policy. Nothing
// here looks at hosts or other services; whatever fails is a 422 that names the field.
import { LongshoreError } from '#shared/errors.ts';
import { parseCompose } from '#shared/compose/parse.ts';
import { judgeCompose, requireAllowed, type Finding } from '#shared/compose/policy.ts';
import { DEFAULT_POLICY } from '#shared/compose/rules.ts';
import { checkGitSource } from '#shared/git-source.ts';
import type { GitSource } from '#shared/model.ts';
import { SERVICE_NAME } from '#shared/service-name.ts';
import type { ServiceSource } from '../../store/records.ts';
import type { NewService } from '../api/services.ts';
import { checkWatchPaths, settleGit } from '../git/git-redraft.ts';
import { requireFitting } from './health-checks.ts';
import { secretNamesOf } from './secret-values.ts';
import type { TemplateRenderer } from '../templates/template-shelf.ts';

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Compose and the agent set these themselves and believe them. */
const RESERVED_LABEL = /^(longshore|com\.docker\.compose)(\.|$)/i;
/** Control has no folder for the service; the judges want one that relative paths can leave. */
const ANY_DIR = '/service';
/** Long enough for a database's first start on a small machine. */
const DEFAULT_HEALTH_TIMEOUT_S = 300;

export interface ServiceDraft {
  templateId: string | null;
  source: ServiceSource;
  healthTimeoutS: number;
}

export interface DraftContext {
  /** Decides which section of the policy counts. */
  customerId: string | null;
  /** Of the templates this service may be made of. */
  templates: TemplateRenderer;
  /** Host ports that no service gets. */
  reservedPorts: readonly number[];
  /** Whether `file://` repositories are taken. */
  allowsFileGit: boolean;
  /** What is done about findings of the policy. Default: compose_policy is thrown. */
  refuse?: Refuse | undefined;
}

export type Refuse = (findings: readonly Finding[]) => void;

/** Throws 422 errors only. The host judges again, by its own policy file and with all variables filled in. */
export function draftService(input: NewService, context: DraftContext): ServiceDraft {
  const { customerId, templates, reservedPorts, allowsFileGit, refuse } = context;
  const fields = { ...checkName(input.name), ...checkLabels(input.labels), ...checkVariables(input.variables) };
  if (Object.keys(fields).length > 0) throw new LongshoreError('validation_error', { fields });
  const { source } = input;
  if (source.method === 'git' || source.method === 'ai')
    return withChecks(fromGit(input, source, allowsFileGit), input);
  const draft = source.method === 'template' ? fromTemplate(input, templates) : fromCompose(input);
  judgeSource(draft.source, { name: input.name, customerId, reservedPorts, refuse });
  return withChecks(draft, input);
}

function withChecks(draft: ServiceDraft, { healthChecks = [] }: NewService): ServiceDraft {
  if (healthChecks.length === 0) return draft;
  requireFitting(healthChecks, draft.source);
  return { ...draft, source: { ...draft.source, healthChecks: [...healthChecks] } };
}

export interface JudgedService extends Pick<DraftContext, 'customerId' | 'reservedPorts' | 'refuse'> {
  name: string;
}

/** Throws compose_invalid, yaml_resource_limit, compose_policy. */
export function judgeSource(
  { compose }: Pick<ServiceSource, 'compose'>,
  { name, customerId, reservedPorts, refuse = requireAllowed }: JudgedService,
): void {
  const rules = DEFAULT_POLICY[customerId === null ? 'operator' : 'tenant'];
  const context = { rules, form: 'written' as const, project: name, projectDir: ANY_DIR, reservedPorts };
  refuse(judgeCompose(parseCompose(compose), context));
}

function fromCompose({ source, variables = {}, healthTimeoutS = DEFAULT_HEALTH_TIMEOUT_S }: NewService): ServiceDraft {
  const compose = source.method === 'compose' ? source.compose : '';
  const secretNames = secretNamesOf(variables);
  return {
    templateId: null,
    source: { compose, variables, secretNames, templateVersion: null, files: {} },
    healthTimeoutS,
  };
}

type FromGit = Extract<NewService['source'], { git: GitSource }>;

/** The address alone is judged: what the repository holds is judged by the host that fetches it. */
function fromGit(
  { variables = {}, healthTimeoutS = DEFAULT_HEALTH_TIMEOUT_S }: NewService,
  { method, git, watchPaths = [] }: FromGit,
  allowsFiles: boolean,
): ServiceDraft {
  checkGitSource(git, { allowsFiles, field: method === 'git' ? 'git_url' : 'ai_url' });
  checkWatchPaths(watchPaths);
  const secretNames = secretNamesOf(variables);
  return {
    templateId: null,
    source: { compose: '', git: settleGit(git), variables, secretNames, templateVersion: null, files: {} },
    healthTimeoutS,
  };
}

function fromTemplate(
  { source, variables = {}, healthTimeoutS }: NewService,
  templates: TemplateRenderer,
): ServiceDraft {
  const templateId = source.method === 'template' ? source.templateId : '';
  const rendered = templates.render(templateId, variables);
  const { version, compose, secretNames, files, document } = rendered;
  return {
    templateId,
    source: {
      compose,
      variables: rendered.variables,
      secretNames,
      templateVersion: version,
      templateDocument: document,
      files,
    },
    healthTimeoutS: healthTimeoutS ?? rendered.healthTimeoutS ?? DEFAULT_HEALTH_TIMEOUT_S,
  };
}

/** Throws validation_error. */
export function requireName(name: string): void {
  const fields = checkName(name);
  if (Object.keys(fields).length > 0) throw new LongshoreError('validation_error', { fields });
}

function checkName(name: string): Record<string, string> {
  if (SERVICE_NAME.test(name)) return {};
  return { name: 'must be 1 to 40 of a-z, 0-9 and "-", neither beginning nor ending with "-"' };
}

export function checkLabels(labels: Record<string, string> = {}): Record<string, string> {
  const reserved = Object.keys(labels).filter((label) => RESERVED_LABEL.test(label));
  return Object.fromEntries(reserved.map((label) => [`labels.${label}`, 'this prefix is reserved']));
}

export function checkVariables(variables: Record<string, string> = {}): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (!VARIABLE_NAME.test(name)) fields[`variables.${name}`] = 'the name must be letters, digits and "_"';
    else if (value.includes('\0')) fields[`variables.${name}`] = 'must not hold a NUL character';
  }
  return fields;
}
