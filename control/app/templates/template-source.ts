// What the app layer needs of control/templates, which alone looks inside a template: here it is a text.
import type {
  TemplateImport,
  TemplateMore,
  TemplateSourceTexts,
  TemplateText,
  WholeTemplateSource,
} from '../api/templates.ts';

export interface RenderedTemplate {
  version: number;
  compose: string;
  variables: Record<string, string>;
  secretNames: string[];
  /** Those that count only for the first start. */
  onceNames: string[];
  files: Record<string, string>;
  /** Null: the general default. */
  healthTimeoutS: number | null;
  /** What it was rendered from, to render it again with other variables whatever became of the template. */
  document: string;
}

/** A whole template with what a list needs to find it. */
export interface DraftTemplate {
  id: string;
  name: string;
  tagline: string;
  category: string;
  version: number;
  isImported: boolean;
  /** JSON that only control/templates reads. */
  document: string;
}

/** Gets a text by its URL; throws `egress_denied`, `egress_failed`, `timed_out`. */
export type FetchText = (url: string, limits: { maxBytes: number; timeoutMs: number }) => Promise<string>;

export interface TemplateSource {
  /** In order of their ids. */
  readonly catalogue: readonly DraftTemplate[];
  /** Throws `template_invalid` with fields. `version` replaces the one that is written. */
  read(texts: TemplateSourceTexts, version?: number): DraftTemplate;
  /** Throws `template_invalid`, or what fetching the URL throws. */
  convert(
    input: TemplateImport,
    fetchText: FetchText,
  ): Promise<{ drafts: DraftTemplate[]; skipped: { name: string; reason: string }[] }>;
  toText(document: string): TemplateText;
  toMore(document: string): TemplateMore;
  toSource(document: string): WholeTemplateSource;
  /** Throws `template_variable` with fields `variables.NAME`. */
  render(document: string, given: Record<string, string>): RenderedTemplate;
}
