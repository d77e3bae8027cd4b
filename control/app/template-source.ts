// What the app layer needs of the template catalogue; control/templates is behind it.
import type { Template, TemplateDetail } from './api/templates.ts';

export interface RenderedTemplate {
  version: number;
  compose: string;
  variables: Record<string, string>;
  secretNames: string[];
  files: Record<string, string>;
  /** Null: the general default. */
  healthTimeoutS: number | null;
}

export interface TemplateSource {
  all(): Template[];
  find(id: string): TemplateDetail | undefined;
  /** Throws `template_variable` with fields `variables.NAME`. Undefined for an unknown template. */
  render(id: string, given: Record<string, string>): RenderedTemplate | undefined;
}
