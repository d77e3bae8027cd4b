// Templates as the app layer offers them: the catalogue, and what users made or imported.
import type { Caller } from './caller.ts';
import type { Order, Page, Paging } from './page.ts';

export const TEMPLATE_ORIGINS = ['catalogue', 'own', 'imported'] as const;
export type TemplateOrigin = (typeof TEMPLATE_ORIGINS)[number];

export const IMPORT_FORMATS = ['auto', 'longshore', 'portainer', 'caprover', 'dokploy', 'coolify', 'runtipi'] as const;
export type AskedFormat = (typeof IMPORT_FORMATS)[number];
export type ImportFormat = Exclude<AskedFormat, 'auto'>;

export const TEMPLATE_SORTS = ['name', 'category', 'version', 'created_at', 'updated_at'] as const;

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

/** What its own text says of a template. */
export interface TemplateText {
  id: string;
  name: string;
  tagline: string;
  description: string;
  category: string;
  tags: string[];
  version: number;
  appVersion: string;
  links: Record<string, string>;
  variables: TemplateVariable[];
}

/** The rest of it. */
export interface TemplateMore {
  compose: string;
  /** Paths in the service's folder. */
  files: string[];
  notes: { before: string | null; after: string | null };
  /** The format it was imported from. */
  importedFrom: ImportFormat | null;
  /** What to know before a deploy: what an import lost, what a customer's policy would refuse, what does nothing. */
  warnings: string[];
}

/** Whose it is. */
export interface TemplatePlace {
  origin: TemplateOrigin;
  /** Only this customer sees it; null is everybody. */
  customerId: string | null;
  /** Null for the catalogue. */
  createdAt: number | null;
  updatedAt: number | null;
}

export interface Template extends TemplateText, TemplatePlace {}
export interface TemplateDetail extends Template, TemplateMore {}

/** A template as its author writes it. */
export interface TemplateSourceTexts {
  /** `template.yaml`: its text, or what it says. */
  manifest: string | Record<string, unknown>;
  compose?: string | undefined;
  /** What the manifest's `files` name in `from`. */
  files?: Record<string, string> | undefined;
}

/** The same with nothing left out. */
export interface WholeTemplateSource extends TemplateSourceTexts {
  compose: string;
  files: Record<string, string>;
}

export interface TemplateQuery extends Paging {
  category?: string | undefined;
  origin?: TemplateOrigin | undefined;
  search?: string | undefined;
  sort: (typeof TEMPLATE_SORTS)[number];
  order: Order;
}

export interface NewTemplate extends TemplateSourceTexts {
  customerId?: string | undefined;
}

/** One of content, files and url. */
export interface TemplateImport {
  format: AskedFormat;
  content?: string | undefined;
  /** By name, as they lie in the template's folder. */
  files?: Record<string, string> | undefined;
  url?: string | undefined;
  /** For an import of one template. */
  id?: string | undefined;
  category?: string | undefined;
  customerId?: string | undefined;
  /** Says what would be imported and writes nothing. */
  isDryRun: boolean;
}

export interface ImportOutcome {
  imported: TemplateDetail[];
  skipped: { name: string; reason: string }[];
}

export interface Templates {
  list(caller: Caller, query: TemplateQuery): Page<Template>;
  /** Throws not_found, also for another customer's template. */
  require(caller: Caller, id: string): TemplateDetail;
  /** What `create` and `replace` take. */
  source(caller: Caller, id: string): WholeTemplateSource;
  /** Throws template_invalid with fields, name_taken. */
  create(caller: Caller, input: NewTemplate): Promise<TemplateDetail>;
  /** The version grows by one. Throws state_conflict for the catalogue's and for another id. */
  replace(caller: Caller, id: string, input: TemplateSourceTexts): Promise<TemplateDetail>;
  /** Services made of it keep working: they hold what they were made of. */
  remove(caller: Caller, id: string): Promise<void>;
  /** Templates that cannot be carried over are in `skipped`. Throws template_invalid when the whole is of no known form. */
  import(caller: Caller, input: TemplateImport): Promise<ImportOutcome>;
}
