// When a service may take newer images by itself: the word of API, control plane and client.

export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Opens at a time of day somewhere on earth and closes so many minutes later, whatever the clocks do meanwhile. */
export interface MaintenanceWindow {
  /** On which it opens; absent: every day. */
  days?: Weekday[] | undefined;
  /** `02:00`. */
  start: string;
  durationMinutes: number;
  /** IANA name. */
  timeZone: string;
}

export interface AutoUpdate {
  window: MaintenanceWindow;
}
