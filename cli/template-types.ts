// Templates as the API answers them, as far as the commands show them.

export interface Template {
  id: string;
  name: string;
  tagline: string;
  description: string;
  category: string;
  version: number;
  app_version: string;
  origin: 'catalogue' | 'own' | 'imported';
  links: Record<string, string>;
  variables: TemplateVariable[];
}

/** What a list leaves out. */
export interface TemplateDetail extends Template {
  warnings: string[];
}

export interface ImportedTemplates {
  imported: TemplateDetail[];
  skipped: { name: string; reason: string }[];
}

export interface TemplateVariable {
  name: string;
  label: string;
  type: string;
  required: boolean;
  default: string | null;
  secret: boolean;
  generated: boolean;
}
