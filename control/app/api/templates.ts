// The template catalogue as the app layer offers it.
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export interface TemplateVariable {
  name: string;
  label: string;
  help: string | null;
  type: string;
  isRequired: boolean;
  default: string | null;
  isSecret: boolean;
  isGenerated: boolean;
  options: { value: string; label: string }[] | null;
}

export interface Template {
  id: string;
  name: string;
  tagline: string;
  description: string;
  category: string;
  version: number;
  appVersion: string;
  links: Record<string, string>;
  variables: TemplateVariable[];
}

export interface TemplateDetail extends Template {
  compose: string;
}

export interface Templates {
  /** By name. */
  list(
    caller: Caller,
    query: Paging & { category?: string | undefined; search?: string | undefined; order?: Order | undefined },
  ): Page<Template>;
  require(caller: Caller, id: string): TemplateDetail;
}
