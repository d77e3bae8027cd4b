// The settings of the AI endpoint: how each is read, and what must be there together.
import { LongshoreError } from '#shared/errors.ts';

/** Which endpoint is asked; null in the configuration when none is. */
export interface AiConfig {
  /** Up to and including the version: `https://api.example.com/v1`. Private addresses are the operator's choice. */
  baseUrl: string;
  model: string;
  /** Null for one that asks for none. */
  apiKey: string | null;
}

export function readBaseUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '' || url.username !== '')
    return undefined;
  return text.replace(/\/+$/, '');
}

interface Values {
  'ai-base-url'?: string;
  'ai-model'?: string;
  'ai-api-key-file'?: string;
}

/** Throws `config_invalid` when a part is missing. */
export function toAiConfig(values: Values): AiConfig | null {
  const { 'ai-base-url': baseUrl, 'ai-model': model, 'ai-api-key-file': apiKey = null } = values;
  if (baseUrl === undefined && model === undefined && apiKey === null) return null;
  if (baseUrl === undefined) throw missing('ai-base-url', model === undefined ? 'ai-api-key-file' : 'ai-model');
  if (model === undefined) throw missing('ai-model', 'ai-base-url');
  return { baseUrl, model, apiKey };
}

const missing = (name: string, because: string): LongshoreError =>
  new LongshoreError('config_invalid', {
    message: `Cannot start the control plane: ${name} is missing, ${because} asks for it`,
  });
