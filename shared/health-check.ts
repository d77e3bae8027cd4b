// Health checks as a user gives them: what is asked of the containers of a compose service, how often, and how many
// answers make a verdict. Its host fills in what is absent (agent/health/plan-checks.ts). Plain data, as in model.ts.

export const CHECK_TYPES = ['http', 'tcp', 'exec'] as const;

/** A check is a question every few seconds for years: not so often that it is the load, nor so seldom that it is none. */
export const CHECK_BOUNDS = {
  intervalS: [1, 3600],
  timeoutS: [1, 60],
  startPeriodS: [0, 3600],
  failureThreshold: [1, 20],
  successThreshold: [1, 20],
} as const satisfies Record<string, readonly [least: number, most: number]>;

/** One for each compose service, and a file that has more has other worries. */
export const MAX_CHECKS = 20;

interface CheckTiming {
  intervalS?: number | undefined;
  timeoutS?: number | undefined;
  /** While it starts, failures do not count. */
  startPeriodS?: number | undefined;
  /** Failures in a row that make it unhealthy. */
  failureThreshold?: number | undefined;
  /** Passes in a row that make it healthy. */
  successThreshold?: number | undefined;
}

export interface HttpQuestion {
  type: 'http';
  /** Of the container, as is that of `tcp`. */
  port?: number | undefined;
  path?: string | undefined;
  /** What the Host header says. */
  host?: string | undefined;
  /** Absent: any from 200 to 399. */
  expectStatus?: number | undefined;
}

export interface TcpQuestion {
  type: 'tcp';
  port?: number | undefined;
}

export interface ExecQuestion {
  type: 'exec';
  /** A program in the container and its arguments; exit code 0 is a pass. */
  command: string[];
}

export type HealthCheckSpec = (HttpQuestion | TcpQuestion | ExecQuestion) &
  CheckTiming & {
    /** Compose service that it is about. */
    service?: string | undefined;
  };
