// What a judge of compose files is given and what it says; the judges are judge-*.ts, called by policy.ts.
import type { PolicyRules } from './rules.ts';
import type { ComposeForm } from './values.ts';

export interface JudgeContext {
  rules: PolicyRules;
  /** `written`: values that still hold a variable are not judged, except paths that Compose would open. */
  form: ComposeForm;
  /** Compose project; the service's name. */
  project: string;
  /** The service's folder; relative paths start here. Control, which has none, passes any absolute path. */
  projectDir: string;
  /** What relative paths may not leave, where that is more than `projectDir`: a commit that is deployed from a folder in it. */
  root?: string | undefined;
  /** Host ports of Longshore itself, refused to everybody. */
  reservedPorts: readonly number[];
  /** Our own label in a normalised file carries this; anything else under `longshore.` is a forgery. */
  serviceId?: string | undefined;
}

export interface Finding {
  /** Where, as in `services.web.ports[0]`. */
  path: string;
  /** Which rule of the policy file, or `reserved`. */
  rule: keyof PolicyRules | 'reserved';
  message: string;
}

export type Report = (path: string, rule: Finding['rule'], message: string) => void;
