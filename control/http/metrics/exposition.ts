// Prometheus' text format, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). Pure.

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export type Labels = Record<string, string | null>;

export interface Series {
  labels?: Labels;
  /** Null is not known: there is no line then, which a monitoring system shows as a gap. */
  value: number | boolean | null;
}

export interface Family {
  name: string;
  help: string;
  type: 'gauge' | 'counter';
  series: readonly Series[];
}

export const gauge = (name: string, help: string, series: readonly Series[]): Family => {
  return { name, help, type: 'gauge', series };
};

/** A family without a value is left out. */
export const renderMetrics = (families: readonly Family[]): string => families.map(renderFamily).join('');

function renderFamily({ name, help, type, series }: Family): string {
  const lines = series.flatMap(({ labels = {}, value }) =>
    value === null ? [] : [`${name}${renderLabels(labels)} ${Number(value)}\n`],
  );
  if (lines.length === 0) return '';
  return `# HELP ${name} ${escape(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function renderLabels(labels: Labels): string {
  const given = Object.entries(labels).flatMap(([name, value]) =>
    value === null ? [] : [`${name}="${escape(value).replaceAll('"', String.raw`\"`)}"`],
  );
  return given.length === 0 ? '' : `{${given.join(',')}}`;
}

const escape = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', String.raw`\n`);
