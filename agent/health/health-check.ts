// A health check as this host carries it out: nothing is left to be guessed. Pure; made by plan-checks.ts.

export type Probe =
  | { type: 'http'; port: number; path: string; host: string; expectStatus: number | null }
  | { type: 'tcp'; port: number }
  | { type: 'exec'; command: readonly string[] };

export interface Thresholds {
  /** From the start of the container on; failures in it do not count until it was healthy once. */
  startPeriodMs: number;
  /** Failures in a row that make it unhealthy. */
  failures: number;
  /** Passes in a row that make it healthy. */
  passes: number;
}

export interface HealthCheck {
  /** Compose service; each of its containers is asked by itself. */
  service: string;
  probe: Probe;
  intervalMs: number;
  timeoutMs: number;
  thresholds: Thresholds;
}
